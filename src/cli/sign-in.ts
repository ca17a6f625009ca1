// How a person's browser comes in: an address with a code that works once and for minutes.
import { spawn } from "node:child_process";
import { openApi } from "./api-client.ts";
import type { Address } from "./control-address.ts";

export async function signInAddress(control: Address): Promise<string> {
  const api = openApi(control);
  const { path } = await api.ask("loginCode", { body: {} });
  return new URL(path, api.url).href;
}

/** Where there is a browser to open; the address was printed in any case. */
export function openBrowser(address: string): void {
  const commands: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
    darwin: ["open"],
    win32: ["cmd", "/c", "start", ""],
  };
  const [program = "xdg-open", ...args] = commands[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, address], { detached: true, stdio: "ignore" });
  child.once("error", () => undefined);
  child.unref();
}
