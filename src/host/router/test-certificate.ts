// For tests that speak TLS: certificates made by openssl, where it is installed.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

export const hasOpenssl = spawnSync("openssl", ["version"]).error === undefined;
if (!hasOpenssl) console.log("TLS tests are skipped: openssl, which makes their certificates, is not installed");

/** For `name`, in files of a folder. */
export function certificateIn(folder: string, name: string, file = name): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
  const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} -keyout ${keyFile} -out ${certFile}`;
  execFileSync("openssl", args.split(" "), { stdio: "ignore" });
  return { certFile, keyFile };
}
