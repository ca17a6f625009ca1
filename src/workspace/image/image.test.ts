// Images from a layout and from a registry: what comes out is what the layers say, by digest, and nothing outside of it.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRegistry, tarOf, writeLayout } from "../../testing/image.ts";
import { imageIn, pinFile, pinImage } from "./image.ts";
import { layoutFolder } from "./layout.ts";
import { parseReference } from "./reference.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-image-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  Reflect.deleteProperty(process.env, "DOCKER_CONFIG");
});

/** A layer of these files. */
function layer(name: string, files: Readonly<Record<string, string>>, paths?: readonly string[]): Buffer {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, name, path);
    mkdirSync(dirname(file), { recursive: true });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), file);
    else writeFileSync(file, content);
  }
  return tarOf(join(root, name), paths);
}

const config = {
  ...{ Entrypoint: ["/bin/api"], Cmd: ["--port"], Env: ["PATH=/bin", "GREETING=a=b"] },
  ...{ WorkingDir: "/srv", User: "app" },
};
const passwd = "root:x:0:0::/:/bin/sh\napp:x:1001:1002::/:/bin/sh\n";

test("layers are laid one over the other, whiteouts take away, and the image says how it starts", async () => {
  const long = `${"deep/".repeat(30)}file`;
  const layers = [
    layer("one", { "etc/passwd": passwd, "gone.txt": "x", "kept.txt": "1", "dir/old": "x", [long]: "long" }),
    layer("two", { ".wh.gone.txt": "", "kept.txt": "2", "dir/.wh..wh..opq": "", "dir/new": "n", link: "-> kept.txt" }),
  ];
  const digest = writeLayout(join(root, "layout"), { layers, config });
  const image = await imageIn(join(root, "data"), join(root, "layout"));
  const at = (path: string) => join(image?.rootfs ?? "", path);
  expect(image).toEqual({
    ...{ digest, rootfs: image?.rootfs, command: ["/bin/api", "--port"], workingDir: "/srv", uid: 1001, gid: 1002 },
    env: { PATH: "/bin", GREETING: "a=b" },
  });
  expect([existsSync(at("gone.txt")), readFileSync(at("link"), "utf8"), readdirSync(at("dir"))]).toEqual([
    false,
    "2",
    ["new"],
  ]);
  expect(readFileSync(at(long), "utf8")).toBe("long");
});

test("a layer that writes through a link writes inside of the image, not on the machine", async () => {
  const outside = join(root, "outside");
  mkdirSync(outside);
  const layers = [
    layer("one", { way: `-> ${outside}`, up: "-> ../../../../../../../.." }),
    layer("two", { "way/evil": "x", "up/evil2": "x" }, ["way/evil", "up/evil2"]),
  ];
  writeLayout(join(root, "layout"), { layers });
  const image = await imageIn(join(root, "data"), join(root, "layout"));
  expect([readdirSync(outside), existsSync("/evil2")]).toEqual([[], false]);
  expect(readFileSync(join(image?.rootfs ?? "", outside, "evil"), "utf8")).toBe("x");
  expect(lstatSync(join(image?.rootfs ?? "", "evil2")).isFile()).toBe(true);
});

test("a blob that is not what its digest says is refused, and no image is left behind", async () => {
  writeLayout(join(root, "layout"), { layers: [layer("one", { a: "x" })] });
  const blobs = join(root, "layout/blobs/sha256");
  for (const name of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, name));
    if (bytes[0] === 0x1f) writeFileSync(join(blobs, name), Buffer.concat([bytes, Buffer.from("!")]));
  }
  await expect(imageIn(join(root, "data"), join(root, "layout"))).rejects.toThrow(/a part of the image is sha256:/);
  expect(readdirSync(join(root, "data/images"))).toEqual(["blobs"]);
});

test("a tag of a registry is pinned to its digest; only blobs that are lacking are fetched, and then nobody is asked", async () => {
  const layers = [layer("base", { base: "b" }), layer("app", { app: "1" })];
  const digest = writeLayout(join(root, "layout"), { layers, config });
  const registry = await openRegistry(join(root, "layout"), digest);
  const auth = Buffer.from("shop:secret").toString("base64");
  process.env.DOCKER_CONFIG = root;
  writeFileSync(join(root, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const image = await pinImage(`${registry.host}/shop/api:1`);
  expect(image).toBe(`${registry.host}/shop/api@${digest}`);

  mkdirSync(join(root, "artifact"));
  writeFileSync(join(root, "artifact", pinFile), JSON.stringify({ image }));
  const laid = await imageIn(join(root, "data"), join(root, "artifact"));
  expect([laid?.digest, readFileSync(join(laid?.rootfs ?? "", "app"), "utf8")]).toEqual([digest, "1"]);
  const fetched = registry.asked.length;
  await imageIn(join(root, "data"), join(root, "artifact"));
  expect(registry.asked.length).toBe(fetched);

  const next = writeLayout(join(root, "layout"), {
    layers: [layers[0] ?? Buffer.alloc(0), layer("app2", { app: "2" })],
    config,
  });
  writeFileSync(join(root, "artifact", pinFile), JSON.stringify({ image: `${registry.host}/shop/api@${next}` }));
  await imageIn(join(root, "data"), join(root, "artifact"));
  expect(registry.asked.slice(fetched).filter((path) => path.includes("/blobs/"))).toHaveLength(1);
  registry.close();
});

test("a closed registry says how to be let in, and a name without a registry how to write it", async () => {
  const registry = await openRegistry(root, "sha256:none");
  process.env.DOCKER_CONFIG = root;
  await expect(pinImage(`${registry.host}/shop/api:1`)).rejects.toThrow("answered 401 for shop/api");
  registry.close();
  expect(() => parseReference("api:1.4")).toThrow('"api:1.4" does not name an image with its registry');
});

test("a layout in a tar is found as well, and what else the tar holds is left out", async () => {
  writeLayout(join(root, "layout"), { layers: [layer("one", { a: "x" })] });
  writeFileSync(join(root, "layout/extra"), "x");
  writeFileSync(join(root, "image.tar"), tarOf(join(root, "layout")));
  const folder = await layoutFolder(join(root, "image.tar"), join(root, "scratch"));
  expect(readdirSync(folder ?? "").toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  expect(await imageIn(join(root, "data"), folder ?? "")).toMatchObject({ workingDir: "/", uid: 0 });
  expect(await layoutFolder(join(root, "nothing"), join(root, "scratch2"))).toBeUndefined();
});
