import { execFile } from "node:child_process"
import { mkdtemp, readdir } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { SourceDigest } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Either, Exit, Schema, Stream } from "effect"
import { missingTools } from "../../../test/registry/missingTools.ts"
import { removeSourceImages } from "../../../test/registry/removeSourceImages.ts"
import { buildNodeImage } from "../../../test/registry/scratchImage.ts"
import { digestOf, tarOf } from "../../../test/sources/tar.ts"
import { dataDirectoryId } from "../../base/host/dataDirectoryId.ts"
import { ownUlimits } from "../../base/host/ownUlimits.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import { variantOf } from "./buildSource.ts"
import { SourceStore } from "./SourceStore.ts"
import { imageRecordsIn, makeSourceImages } from "./sourceImages.ts"
import { layer } from "./sourceStoreLayer.ts"

const organizationId = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)
const toDigest = Schema.decodeSync(SourceDigest)
const baseImage = `localhost/maxcloud-dockerfile-base:${process.pid}`
const podman = async (...args: ReadonlyArray<string>) => (await promisify(execFile)("podman", [...args])).stdout.trim()

type Files = Readonly<Record<string, string>>
const entriesOf = (files: Files) =>
  Object.entries(files)
    .map(([path, content]) => ({ path, content }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))

let data: string
let environment: NodeJS.ProcessEnv
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "dockerfile-"))
  environment = { ...process.env }
})
afterEach(() => removeTree(data))

/** Builds the files. Returns the result, or the refusal, and the output. */
const build = async (files: Files, { until }: { readonly until?: (line: string) => boolean } = {}) => {
  const entries = entriesOf(files)
  const digest = toDigest(digestOf(entries))
  const lines: Array<string> = []
  const end = new AbortController()
  const exit = await Effect.runPromiseExit(
    Effect.flatMap(SourceStore, (store) =>
      Effect.either(
        Effect.zipRight(
          store.put(organizationId, digest, Stream.make(tarOf(entries))),
          store.built(organizationId, { digest }, (line) => {
            lines.push(line)
            if (until?.(line)) end.abort()
          })
        )
      )
    ).pipe(Effect.provide(layer({ dataDirectory: data, environment }))),
    { signal: end.signal }
  )
  if (Exit.isFailure(exit)) return { image: "", refusal: "interrupted", lines, digest }
  const found = exit.value
  const image = Either.isRight(found) && "image" in found.right ? found.right.image : ""
  return { image, refusal: Either.isLeft(found) ? found.left.message : "", lines, digest }
}

const run = (program: string) => `RUN ["/usr/bin/node", "-e", ${JSON.stringify(program)}]`
const dockerfile = (...lines: ReadonlyArray<string>) => [`FROM ${baseImage}`, ...lines, ""].join("\n")
const inside = (image: string, path: string) =>
  podman(
    "run",
    "--rm",
    ...ownUlimits(),
    "--entrypoint",
    "/usr/bin/node",
    image,
    "-p",
    `fs.readFileSync(${JSON.stringify(path)}, "utf8")`
  )
describe.skipIf(missingTools("Dockerfiles built by podman", "podman").length > 0)("a source with a Dockerfile", () => {
  beforeAll(() => buildNodeImage(baseImage))
  afterAll(() => podman("rmi", "--force", baseImage))
  afterEach(() => removeSourceImages(data))

  it("becomes an image, once, and reuses its steps after a change", async () => {
    const files = (code: string) => ({
      Dockerfile: dockerfile(
        "COPY package.json /app/",
        run("fs.writeFileSync('/app/installed', String(Math.random())); console.log('installing')"),
        "COPY . /app"
      ),
      ".dockerignore": "secret.txt\nDockerfile\n",
      "secret.txt": "x",
      "package.json": "{}",
      "main.js": code
    })
    const first = await build(files("one"))
    expect(first.refusal).toBe("")
    expect(first.lines).toContain("$ podman build --file Dockerfile")
    expect(first.lines).toContain("installing")
    expect(await inside(first.image, "/app/main.js")).toBe("one")
    await expect(inside(first.image, "/app/secret.txt")).rejects.toThrow("ENOENT")

    expect(await build(files("one"))).toMatchObject({ image: first.image, lines: [] })

    const second = await build(files("two"))
    expect(second.lines).not.toContain("installing")
    expect(await inside(second.image, "/app/main.js")).toBe("two")
    expect(await inside(second.image, "/app/installed")).toBe(await inside(first.image, "/app/installed"))
  })

  it("is built again if somebody removed its image", async () => {
    const files = { Dockerfile: dockerfile("COPY main.js /"), "main.js": "one" }
    const { image } = await build(files)
    await podman("rmi", "--force", image)
    const again = await build(files)
    expect(again.lines).not.toEqual([])
    expect(await inside(again.image, "/main.js")).toBe("one")
  })

  it("loses its image after its snapshot, and not before", async () => {
    const { digest, image } = await build({
      Dockerfile: dockerfile("COPY main.js /"),
      "main.js": String(Math.random())
    })
    const images = makeSourceImages(data, await dataDirectoryId(data), environment)
    const place = join(data, "sources", organizationId, "built", digest.slice(7), variantOf({}))
    await images.clean(() => false)
    expect(await images.has(image)).toBe(true)
    await removeTree(place)
    await images.clean((image) => image === place)
    expect(await images.has(image)).toBe(true)
    await images.clean(() => false)
    expect(await images.has(image)).toBe(false)
    expect(await readdir(imageRecordsIn(data))).toEqual([])
  })

  it("says why a step failed", async () => {
    const { refusal } = await build({ Dockerfile: dockerfile(run("console.error('no such table'); process.exit(3)")) })
    expect(refusal).toContain("`podman build --file Dockerfile` failed")
    expect(refusal).toContain("no such table")
  })

  it("has steps that can't reach a listener on this machine's loopback", async () => {
    const server = createServer((_, response) => response.end("reached"))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const { lines, refusal } = await build({
      Dockerfile: dockerfile(
        run(
          `fetch("http://127.0.0.1:${port}").then((_) => _.text()).then(console.log, (e) => console.log("closed:", e.cause.code))`
        )
      )
    })
    server.close()
    expect(refusal).toBe("")
    expect(lines).toContain("closed: ECONNREFUSED")
  })

  it("stops with the server, and leaves no step running", async () => {
    const marker = `left-${process.pid}`
    const { lines } = await build(
      { Dockerfile: dockerfile(run(`console.log("${marker}"); setInterval(() => {}, 1000)`)) },
      { until: (line) => line === marker }
    )
    expect(lines).toContain(marker)
    expect(await promisify(execFile)("ps", ["-eo", "args"]).then((found) => found.stdout)).not.toContain(
      `console.log("${marker}")`
    )
    expect(await podman("ps", "--all", "--external", "--noheading", "--filter", `ancestor=${baseImage}`)).toBe("")
  })

  it("is refused if a step wants this machine's network", async () => {
    const { refusal } = await build({ Dockerfile: dockerfile("RUN --network=host node x.js") })
    expect(refusal).toContain("Dockerfile:2: `--network=host`")
  })
})

it("says how to fix a Dockerfile without a container engine", async () => {
  environment = { PATH: "/nowhere", HOME: data }
  const { refusal } = await build({ Dockerfile: "FROM scratch\n" })
  expect(refusal).toContain("Building a Dockerfile needs podman or docker.")
  expect(refusal).toContain("set `image`")
})
