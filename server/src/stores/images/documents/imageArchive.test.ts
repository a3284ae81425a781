import { createHash } from "node:crypto"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { extract } from "tar-stream"
import { parseImageName } from "../../../base/words/imageName.ts"
import { makeExchange } from "../registry/exchange.ts"
import { makeAsk, sessionOf } from "../registry/RegistrySession.ts"
import { downloadImage } from "./imageArchive.ts"
import { buildFor } from "./imageBuilds.ts"
import { pinImage } from "./pinImage.ts"

const digestOf = (content: Buffer | string) => `sha256:${createHash("sha256").update(content).digest("hex")}`
const types = "application/vnd.oci.image"

interface Layer {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly diffId: string
  readonly size?: number
  readonly urls?: ReadonlyArray<string>
}

const plain = (text: string): Layer => {
  const bytes = Buffer.from(text.padEnd(512))
  return { bytes, mediaType: `${types}.layer.v1.tar`, diffId: digestOf(bytes) }
}
const gzip = (text: string): Layer => {
  const { bytes, diffId } = plain(text)
  return { bytes: gzipSync(bytes), mediaType: `${types}.layer.v1.tar+gzip`, diffId }
}
const zstd = (text: string): Layer => {
  const { bytes, diffId } = plain(text)
  return { bytes: zstdCompressSync(bytes), mediaType: `${types}.layer.v1.tar+zstd`, diffId }
}

const open: Array<() => Promise<void>> = []
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "archive-"))
})
afterEach(async () => {
  for (const close of open.splice(0)) await close()
  await rm(folder, { recursive: true, force: true })
})

/** A registry of one image; `blob` answers for a layer in its place. */
const registryOf = async (
  layers: ReadonlyArray<Layer>,
  blob?: (response: ServerResponse, layer: Layer) => void,
  diffIds = layers.map((layer) => layer.diffId)
) => {
  const config = JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds } })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: `${types}.config.v1+json`, digest: digestOf(config), size: config.length },
    layers: layers.map(({ bytes, mediaType, size, urls }) => ({
      mediaType,
      digest: digestOf(bytes),
      size: size ?? bytes.length,
      urls
    }))
  })
  const server = createServer((request, response) => {
    const path = request.url ?? ""
    if (path.includes("/manifests/")) {
      response
        .writeHead(200, { "docker-content-digest": digestOf(manifest) })
        .end(request.method === "HEAD" ? "" : manifest)
    } else if (path.endsWith(digestOf(config))) response.end(config)
    else {
      const layer = layers.find(({ bytes }) => path.endsWith(digestOf(bytes)))
      if (layer === undefined) response.writeHead(404).end()
      else if (blob === undefined) response.end(layer.bytes)
      else blob(response, layer)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  open.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return { host: `127.0.0.1:${address.port}`, imageId: digestOf(config) }
}

let file = ""
let count = 0
const download = ({ host }: { readonly host: string }, mostUnpacked?: number) => {
  file = join(folder, `image-${count++}`)
  return Effect.runPromise(
    Effect.gen(function* () {
      const image = parseImageName(`${host}/app:1`)
      if (image === undefined) return yield* Effect.dieMessage("no name")
      const session = sessionOf(image, Option.none())
      const ask = makeAsk(yield* makeExchange(), { insecureRegistries: [host], privateRegistries: [] })
      const found = yield* buildFor(ask, session, yield* pinImage(ask, session), "linux/amd64")
      yield* downloadImage(ask, session, found, file, undefined, mostUnpacked)
      return `downloaded ${found.imageId}`
    }).pipe(
      Effect.catchTags({
        ImageProblem: (error) => Effect.succeed(error.message),
        ImagesError: (error) => Effect.succeed(error.message)
      }),
      Effect.scoped
    )
  )
}

const entriesOf = async () => {
  const entries = new Map<string, string>()
  for await (const entry of Readable.from([await readFile(file)]).pipe(extract())) {
    const chunks: Array<Buffer> = []
    for await (const chunk of entry) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    entries.set(entry.header.name, digestOf(Buffer.concat(chunks)))
  }
  return entries
}

describe("a download", () => {
  it("is an archive with the layers unchanged, packed or not, and a repeated one only once", async () => {
    const layers = [plain("a"), gzip("b"), zstd("c"), gzip("b")]
    const registry = await registryOf(layers)
    expect(await download(registry)).toBe(`downloaded ${registry.imageId}`)
    const entries = await entriesOf()
    for (const { bytes } of layers) expect(entries.get(`${digestOf(bytes).slice(7)}.tar`)).toBe(digestOf(bytes))
    expect(entries.get(`${registry.imageId.slice(7)}.json`)).toBe(registry.imageId)
    expect(entries.size).toBe(5)
  })

  it("is refused if a layer doesn't match the manifest", async () => {
    const other = gzip("evil").bytes
    expect(await download(await registryOf([gzip("a")], (response) => response.end(other)))).toMatch(/^ImageInvalid: /)
    const shorter = await registryOf([gzip("a")], (response, { bytes }) => response.end(bytes.subarray(0, 10)))
    expect(await download(shorter)).toMatch(/^ImageInvalid: /)
  })

  it("is refused if a layer doesn't match the configuration, so it can't take another image's id", async () => {
    const [own, foreign] = [gzip("evil"), gzip("of somebody else")]
    expect(await download(await registryOf([own], undefined, [foreign.diffId]))).toMatch(
      /^ImageInvalid: .*doesn't match its configuration/
    )
    // The same layer twice, in place of two.
    const twice = await registryOf([foreign, foreign], undefined, [foreign.diffId, own.diffId])
    expect(await download(twice)).toMatch(/^ImageInvalid: .*doesn't match its configuration/)
    expect(await download(await registryOf([own], undefined, []))).toMatch(/^ImageInvalid: .*different layers/)
    expect(await download(await registryOf([{ ...own, bytes: Buffer.from("no gzip") }]))).toMatch(
      /^ImageInvalid: .*couldn't unpack the layer/
    )
  })

  it("is refused if it's larger than it says, larger than an image may be, or on other hosts", async () => {
    const layer = gzip("a")
    const longer = await registryOf([layer], (response, { bytes }) => response.end(Buffer.concat([bytes, bytes])))
    expect(await download(longer)).toMatch(/^ImageInvalid: .*more than/)
    const five = { ...layer, size: 5 * 1024 ** 3 }
    expect(await download(await registryOf([five, { ...gzip("b"), size: 5 * 1024 ** 3 }]))).toMatch(/more than 8 GiB/)
    expect(await download(await registryOf([{ ...layer, urls: ["http://169.254.169.254/"] }]))).toMatch(
      /on hosts other than its registry/
    )
  })

  it("is refused if its layers are together larger when unpacked than an image may be", async () => {
    for (const pack of [gzip, zstd, plain]) {
      const registry = await registryOf([pack("a"), pack("b")])
      expect(await download(registry, 1_023)).toMatch(/^ImageInvalid: .*too large/)
      expect(await download(registry, 1_024)).toBe(`downloaded ${registry.imageId}`)
    }
  })

  it("follows no redirect of a layer to an address of this machine, its networks or a metadata service", async () => {
    let asked = 0
    const victim = createServer((_, response) => {
      response.end()
    }).on("connection", () => asked++)
    await new Promise<void>((resolve) => victim.listen(0, "127.0.0.1", resolve))
    const address = victim.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    for (const location of [
      `https://127.0.0.1:${address.port}/`,
      `http://127.0.0.1:${address.port}/`,
      `https://localhost:${address.port}/`,
      "https://169.254.169.254/latest/",
      "https://168.63.129.16/",
      "https://[fd00:ec2::254]/"
    ]) {
      const registry = await registryOf([gzip("a")], (response) => response.writeHead(307, { location }).end())
      expect([location, await download(registry)]).toEqual([location, expect.stringMatching(/^RegistryUnreachable: /)])
    }
    expect(asked).toBe(0)
    victim.close()
  })
})
