import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { zstdDecompressSync } from "node:zlib"
import { Spec, Validation } from "@cyclonedx/cyclonedx-library"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { digestOf } from "@maxcloud/oci"
import { Ajv } from "ajv"
import addFormats from "ajv-formats"
import { baseInLayout } from "./base.ts"
import { jsonOf, mediaTypes } from "./documents.ts"
import { type ImageRequest, writeImage } from "./image.ts"
import { writeLayer } from "./layer.ts"
import { blobFile, openLayout, readLayoutIndex, refName } from "./layout.ts"
import type { TreeEntry } from "./tree.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "image-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const platform = { os: "linux", architecture: "amd64" }

const put = (path: string, content = "") => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), content)
}

const program = (path: string): TreeEntry => ({ path, kind: "file", mode: 0o755, bytes: 1, content: Buffer.from("x") })
const link = (path: string, target: string): TreeEntry => ({
  ...program(path),
  kind: "link",
  mode: 0o777,
  bytes: 0,
  content: undefined,
  target
})

/** A base image with these programs. */
const makeBase = async (entries: ReadonlyArray<TreeEntry>, config: object = {}) => {
  const layout = await openLayout(join(folder, "base"))
  const { descriptor, diffId } = await writeLayer(layout, "", entries)
  const stored = await layout.putBytes(
    mediaTypes.config,
    jsonOf({ ...platform, rootfs: { type: "layers", diff_ids: [diffId] }, history: [{ created_by: "x" }], ...config })
  )
  const manifest = jsonOf({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: stored, layers: [descriptor] })
  await layout.publish([
    { ...(await layout.putBytes(mediaTypes.manifest, manifest)), annotations: { [refName]: "base" } }
  ])
  return descriptor
}
const node = program("usr/bin/node")

const app = (at = "tree") => {
  put(`${at}/package.json`, '{"name":"@acme/shop","version":"1.2.3","license":"MIT"}')
  put(`${at}/server.js`, "serve()")
  put(`${at}/node_modules/left-pad/package.json`, '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}')
  put(`${at}/node_modules/@scope/b/package.json`, '{"name":"@scope/b","version":"2.0.0"}')
  put(`${at}/node_modules/.cache/x`, String(Math.random()))
}

const build = async (options: Partial<ImageRequest> = {}, at = "out", tree = "tree") =>
  writeImage({
    root: join(folder, tree),
    built: {
      folder: ".",
      start: { script: "node server.js" },
      path: ["node_modules/.bin"],
      environment: { NODE_ENV: "production" },
      kind: "Express"
    },
    port: 3000,
    base: await baseInLayout(join(folder, "base"), "base", platform),
    layout: await openLayout(join(folder, at)),
    tag: "v1",
    record: { source: `sha256:${"5".repeat(64)}`, parameters: { port: 3000 }, version: "1.0.0" },
    progress: () => {},
    ...options
  })

const blob = (digest: string, at = "out") => JSON.parse(readFileSync(blobFile(join(folder, at), digest), "utf8"))

/** The image-spec's schemas are of draft 4, which differs for these only in the names of two keywords. */
const withoutIds = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutIds)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).flatMap(([key, each]) =>
            (key === "id" || key === "$schema") && typeof each === "string" ? [] : [[key, withoutIds(each)]]
          )
        )
      : value

const schemas = join(import.meta.dirname, "../../test/fixtures/image-spec")
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv)
for (const name of readdirSync(schemas).filter((each) => each.endsWith(".json")))
  ajv.addSchema({ ...Object(withoutIds(JSON.parse(readFileSync(join(schemas, name), "utf8")))), $id: name })
const faultsOf = (schema: string, value: unknown) => {
  ajv.validate(schema, value)
  return ajv.errors ?? []
}

describe("an image", () => {
  it("has the base's layers, the dependencies and the code, and starts as a user with a number", async () => {
    const descriptor = await makeBase([node], {
      config: {
        Env: ["PATH=/usr/bin", "A=1"],
        Labels: { a: "b" },
        Entrypoint: ["docker-entrypoint.sh"],
        Cmd: ["node"],
        User: "0"
      }
    })
    app()
    const image = await build()
    expect(image.layers.map(({ what }) => what)).toStrictEqual(["base", "dependencies", "code"])
    expect(image.layers[0]?.digest).toBe(descriptor.digest)
    const { config, history, rootfs } = blob(image.imageId)
    expect(config).toStrictEqual({
      User: "65532:65532",
      ExposedPorts: { "3000/tcp": {} },
      Env: ["PATH=/app/node_modules/.bin:/usr/bin", "A=1", "NODE_ENV=production", "PORT=3000"],
      Entrypoint: ["node", "server.js"],
      WorkingDir: "/app",
      Labels: {
        a: "b",
        "org.opencontainers.image.title": "@acme/shop",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.base.digest": image.base.digest
      }
    })
    expect(history).toHaveLength(3)
    for (const [at, { digest }] of image.layers.entries())
      expect(digestOf(zstdDecompressSync(readFileSync(blobFile(join(folder, "out"), digest))))).toBe(
        rootfs.diff_ids[at]
      )
  })

  it("follows the schemas of the image-spec, which would notice", async () => {
    await makeBase([node])
    app()
    const image = await build()
    const index = JSON.parse(readFileSync(join(folder, "out/index.json"), "utf8"))
    expect(
      faultsOf("image-layout-schema.json", JSON.parse(readFileSync(join(folder, "out/oci-layout"), "utf8")))
    ).toStrictEqual([])
    expect(faultsOf("image-index-schema.json", index)).toStrictEqual([])
    for (const { digest, mediaType } of index.manifests)
      expect(
        faultsOf(
          mediaType === mediaTypes.index ? "image-index-schema.json" : "image-manifest-schema.json",
          blob(digest)
        )
      ).toStrictEqual([])
    expect(faultsOf("config-schema.json", blob(image.imageId))).toStrictEqual([])
    expect(faultsOf("config-schema.json", { ...blob(image.imageId), config: { ExposedPorts: 1 } })).not.toStrictEqual(
      []
    )
    expect(
      faultsOf("image-manifest-schema.json", { ...blob(image.digest), layers: [{ digest: "x" }] })
    ).not.toStrictEqual([])
  })

  it("is the same from two folders, and only the code differs after a change of the code", async () => {
    await makeBase([node])
    app()
    app("elsewhere/app")
    const one = await build()
    const two = await build({}, "out2", "elsewhere/app")
    expect(two).toStrictEqual(one)
    put("elsewhere/app/server.js", "serve(2)")
    const three = await build({}, "out2", "elsewhere/app")
    expect(three.digest).not.toBe(one.digest)
    expect(three.layers.map(({ digest }, at) => digest === one.layers[at]?.digest)).toStrictEqual([true, true, false])
  })

  it("has a bill of materials and a provenance as referrers, also by the tag schema", async () => {
    await makeBase([node])
    app()
    const image = await build()
    const index = await readLayoutIndex(join(folder, "out"))
    const tagged = index?.manifests.find(({ annotations }) => annotations?.[refName] === image.digest.replace(":", "-"))
    const { manifests } = blob(tagged?.digest ?? "")
    expect(
      manifests.map(({ artifactType, digest }: { artifactType: string; digest: string }) => [artifactType, digest])
    ).toStrictEqual([
      [mediaTypes.cycloneDx, image.sbom.digest],
      [mediaTypes.inToto, image.provenance.digest]
    ])
    for (const { digest } of manifests) {
      const manifest = blob(digest)
      expect(manifest.subject).toMatchObject({ mediaType: mediaTypes.manifest, digest: image.digest })
      expect(blob(manifest.config.digest)).toStrictEqual({})
    }
    const bill = readFileSync(blobFile(join(folder, "out"), blob(image.sbom.digest).layers[0].digest), "utf8")
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(bill)).toBeNull()
    const { components, metadata } = JSON.parse(bill)
    expect(metadata.component.version).toBe(image.digest)
    expect(components.map(({ purl }: { purl?: string }) => purl)).toStrictEqual(
      expect.arrayContaining(["pkg:npm/%40scope/b@2.0.0", "pkg:npm/left-pad@1.3.0"])
    )
    const statement = blob(blob(image.provenance.digest).layers[0].digest)
    expect(statement).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://slsa.dev/provenance/v1",
      subject: [{ name: "@acme/shop", digest: { sha256: image.digest.slice(7) } }]
    })
    expect(statement.predicate.buildDefinition.resolvedDependencies).toStrictEqual([
      { name: "source", digest: { sha256: "5".repeat(64) } },
      { name: "base", digest: { sha256: image.base.digest.slice(7) } }
    ])
  })

  it("replaces an image of the same tag, keeps others, and refuses folders with other files", async () => {
    await makeBase([node])
    app()
    const one = await build()
    await build({ tag: "v2" })
    put("tree/server.js", "other")
    const again = await build()
    const index = await readLayoutIndex(join(folder, "out"))
    const digestOfTag = (tag: string) =>
      index?.manifests.filter(({ annotations }) => annotations?.[refName] === tag).map(({ digest }) => digest)
    expect(digestOfTag("v1")).toStrictEqual([again.digest])
    expect(digestOfTag("v2")).toStrictEqual([one.digest])
    await expect(build({}, "tree")).rejects.toThrow(/has other files. Name an empty or new folder/)
    put("file")
    await expect(build({}, "file")).rejects.toThrow(/is a file. Name another folder/)
  })

  it("needs a program that the base or the app has", async () => {
    await makeBase([
      program("usr/bin/sh"),
      link("bin", "usr/bin"),
      link("usr/bin/nodejs", "node"),
      link("usr/bin/loop", "loop")
    ])
    app()
    await expect(build()).rejects.toThrow(/starts with `node`, but oci:\S+ has no such program/)
    const start = (script: string) => ({
      built: { folder: ".", start: { script }, path: ["bin"], environment: {}, kind: "Node.js" }
    })
    expect((await build(start("PORT=1 ./run $PORT"))).entrypoint).toStrictEqual(["sh", "-c", "PORT=1 exec ./run $PORT"])
    expect((await build(start("./run --flag=a"))).entrypoint).toStrictEqual(["/app/run", "--flag=a"])
    put("tree/bin/own", "#!")
    expect((await build(start("own 1"))).entrypoint).toStrictEqual(["own", "1"])
    expect((await build({ command: ["sh", "-c", "x y"] })).entrypoint).toStrictEqual(["sh", "-c", "x y"])
    const none = { folder: ".", start: undefined, path: [], environment: {}, kind: "Node.js" }
    await expect(build({ built: none })).rejects.toThrow(/Nothing says how the app starts/)
  })
})

describe("a base image", () => {
  it("must be whole, of the platform, and the one that's named", async () => {
    const { digest } = await makeBase([node])
    app()
    const at = join(folder, "base")
    await expect(baseInLayout(at, "other", platform)).rejects.toThrow(/has no such tag. It has: base/)
    await expect(baseInLayout(at, "base", { ...platform, architecture: "arm64" })).rejects.toThrow(
      /is for linux\/amd64, but the source was built for linux\/arm64/
    )
    await expect(baseInLayout(join(folder, "tree"), undefined, platform)).rejects.toThrow(/isn't an OCI layout/)
    const stored = readFileSync(blobFile(at, digest))
    writeFileSync(blobFile(at, digest), Buffer.from(stored).fill(0, 20, 24))
    await expect(build()).rejects.toThrow(new RegExp(`The content of ${digest} is damaged`))
    expect((await readLayoutIndex(join(folder, "out")))?.manifests).toStrictEqual([])
    writeFileSync(blobFile(at, digest), Buffer.concat([stored, Buffer.alloc(9)]))
    await expect(build()).rejects.toThrow(/is longer than its/)
    writeFileSync(blobFile(at, digest), stored)
    expect((await build()).tag).toBe("v1")
  })

  it("must have the layers that its configuration names", async () => {
    await makeBase([node], { rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } })
    app()
    await expect(build()).rejects.toThrow(/a layer doesn't match its configuration/)
  })

  it("may be one of an index, by platform", async () => {
    await makeBase([node])
    const layout = await openLayout(join(folder, "base"))
    const index = await readLayoutIndex(join(folder, "base"))
    const manifests = index?.manifests.map((each) => ({ ...each, platform }))
    const list = await layout.putBytes(
      mediaTypes.index,
      jsonOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })
    )
    await layout.publish([{ ...list, annotations: { [refName]: "many" } }])
    app()
    expect((await baseInLayout(join(folder, "base"), "many", platform)).digest).toBe(list.digest)
    await expect(baseInLayout(join(folder, "base"), undefined, platform)).rejects.toThrow(
      /has several images: base, many. Add the tag/
    )
  })
})

describe("an image of a Python app", () => {
  const python = async () => {
    put("tree/main.py", "x")
    put(
      "tree/.venv/pyvenv.cfg",
      "home = /usr/bin\nversion = 3.11.2\nexecutable = /machine/python\ncommand = /machine/python -m venv /machine\n"
    )
    put("tree/.venv/bin/activate", "/machine")
    put("tree/.venv/lib/python3.11/site-packages/a.dist-info/METADATA", "Name: A_b\nVersion: 1\n\nName: other\n")
    put(
      "tree/.venv/lib/python3.11/site-packages/a.dist-info/RECORD",
      "../../../bin/a,sha256=x,9\na/__pycache__/a.cpython-311.pyc,,\na/a.py,sha256=y,1\n"
    )
    put("tree/.venv/lib/python3.11/site-packages/a/__pycache__/a.cpython-311.pyc", "/machine")
    symlinkSync("/usr/bin/python3.11", join(folder, "tree/.venv/bin/python3.11"))
    symlinkSync("python3.11", join(folder, "tree/.venv/bin/python"))
    const built = {
      folder: ".",
      start: { file: ".venv/bin/python", args: ["main.py"] },
      path: [],
      environment: {},
      kind: "Python"
    }
    return build({ built })
  }

  it("uses the base's Python, and names nothing of this machine", async () => {
    await makeBase([program("usr/local/bin/python3.11")])
    const image = await python()
    const layer = image.layers.find(({ what }) => what === "dependencies")
    const tar = zstdDecompressSync(readFileSync(blobFile(join(folder, "out"), layer?.digest ?? ""))).toString("latin1")
    expect(tar).not.toContain("/machine")
    expect(tar).not.toContain("__pycache__")
    expect(tar).toContain("home = /usr/local/bin\nversion = 3.11.2\n")
    expect(tar).toContain("../../../bin/a,,\na/a.py,sha256=y,1\n")
    expect(tar).toContain("/usr/local/bin/python3.11")
    expect(image.entrypoint).toStrictEqual(["/app/.venv/bin/python", "main.py"])
    const bill = blob(blob(image.sbom.digest).layers[0].digest)
    expect(bill.components.map(({ purl }: { purl?: string }) => purl)).toContain("pkg:pypi/a-b@1")
  })

  it("needs a base with the same Python", async () => {
    await makeBase([program("usr/local/bin/python3.12")])
    await expect(python()).rejects.toThrow(
      /was built with Python 3.11, but .* has no python3.11 .*--base python:3.11-slim/
    )
  })
})
