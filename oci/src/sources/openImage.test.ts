import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import * as fc from "fast-check"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { withImage } from "../../test/openForTests.ts"
import { digestOf, dockerArchive, makeLayout, type TestLayout, tarOf, writeLayout } from "../../test/testLayout.ts"
import { OciError } from "../OciError.ts"

let folder: string
beforeEach(() => {
  folder = temporaryFolder("maxcloud-oci-")
})

const layerOf = (text: string) => tarOf([{ name: "file", content: text }])
const write = (name: string, content: Buffer | string) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const layoutAt = (layout: TestLayout) => writeLayout(join(folder, "layout"), layout)

/** What is opened, in short: its digest, platforms and tag; or the reason and message of the refusal. */
const opened = async (written: string, options: { readonly platform?: string } = {}) =>
  Either.match(await withImage(written, ({ platforms, root, tag }) => [root.digest, platforms.join(), tag], options), {
    onLeft: ({ message, reason }) => `${reason}: ${message}`,
    onRight: (found) => found.join(" ")
  })

describe("an OCI layout", () => {
  it("is read from a folder and from an archive, also a compressed one, with the tag of its image", async () => {
    const layout = makeLayout()
    const image = await layout.image([await layerOf("a"), await layerOf("b")])
    layout.list(image, "1.4")
    const archive = await tarOf(layout.entries())
    const expected = `${image.digest} linux/amd64 1.4`
    for (const written of [
      layoutAt(layout),
      `oci:${join(folder, "layout")}:1.4`,
      write("a.tar", archive),
      write("a.tar.gz", gzipSync(archive)),
      write("named-otherwise", zstdCompressSync(archive))
    ])
      expect(await opened(written), written).toBe(expected)
  })

  it("gives its blobs unchanged, each once", async () => {
    const layout = makeLayout()
    const layer = await layerOf("a")
    layout.list(await layout.image([layer, layer]))
    const read = await withImage(write("a.tar", await tarOf(layout.entries())), (image) =>
      Effect.forEach(image.blobs, ({ content, digest }) =>
        Effect.flatMap(content, (found) =>
          Effect.promise(async () => {
            const chunks: Array<Buffer> = []
            for await (const chunk of found.read(0, found.size)) chunks.push(chunk)
            return [digest, digestOf(Buffer.concat(chunks))]
          })
        )
      )
    )
    const pairs = Either.getOrThrow(read)
    expect(pairs).toHaveLength(2)
    for (const [digest, found] of pairs) expect(found).toBe(digest)
  })

  it("with several images needs the tag of one, and names them", async () => {
    const layout = makeLayout()
    const [one, other] = [await layout.image([await layerOf("a")]), await layout.image([await layerOf("b")])]
    layout.list(one, "1")
    layout.list(other, "localhost/app:2")
    const path = layoutAt(layout)
    expect(await opened(path)).toMatch(/^invalid: .*contains 2 images/)
    expect(await opened(`oci:${path}:2`)).toBe(`${other.digest} linux/amd64 2`)
    expect(await opened(`oci:${path}:3`)).toMatch(/^missing: .*no image with the tag 3/)
  })

  it("with an index is pushed whole, or one platform of it", async () => {
    const layout = makeLayout()
    const amd = { ...(await layout.image([await layerOf("a")])), architecture: "amd64" }
    const arm = { ...(await layout.image([await layerOf("b")], { architecture: "arm64" })), architecture: "arm64" }
    const index = layout.index([amd, arm])
    layout.list(index, "1", "index")
    const path = layoutAt(layout)
    expect(await opened(path)).toBe(`${index.digest} linux/amd64,linux/arm64 1`)
    expect(await opened(path, { platform: "linux/arm64" })).toBe(`${arm.digest} linux/arm64 1`)
    expect(await opened(path, { platform: "linux/riscv64" })).toMatch(/^missing: .*no build for linux\/riscv64/)
    rmSync(join(path, "blobs", amd.digest.replace(":", "/")))
    expect(await opened(path)).toMatch(/^invalid: .*lacks blobs/)
    expect(await opened(path, { platform: "linux/arm64" })).toBe(`${arm.digest} linux/arm64 1`)
  })

  it("brings the documents about its image along", async () => {
    const layout = makeLayout()
    const image = await layout.image([await layerOf("a")])
    layout.list(image, "1")
    const bill = layout.putJson({ bomFormat: "CycloneDX" })
    const empty = layout.put("{}")
    const about = layout.putJson({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "application/vnd.cyclonedx+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", ...empty },
      layers: [{ mediaType: "application/vnd.cyclonedx+json", ...bill }],
      subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: image.digest, size: image.size }
    })
    const tag = image.digest.replace(":", "-")
    layout.list(layout.index([{ ...about, architecture: "amd64" }]), tag, "index")
    // Builders list it by itself too. It's no second image.
    layout.list({ ...about, artifactType: "application/vnd.cyclonedx+json" })
    const found = await withImage(layoutAt(layout), ({ referrers, root }) => [
      root.digest,
      referrers.map((each) => each.tag)
    ])
    expect(found).toStrictEqual(Either.right([image.digest, [tag]]))
  })
})

describe("an archive of docker save", () => {
  it("gives the same digest each time, and compresses an unchanged layer only if it's needed", async () => {
    const layers = [await layerOf("a"), await layerOf("b")]
    const path = write("image.tar", await dockerArchive(layers))
    const first = await opened(path)
    expect(first).toMatch(/^sha256:[a-f0-9]{64} linux\/amd64 1\.4$/)
    expect(await opened(path)).toBe(first)
    expect(await opened(write("image.tgz", gzipSync(await dockerArchive(layers))))).toBe(first)

    const kept = new Map<string, { readonly digest: string; readonly size: number }>()
    const memory = { find: (diffId: string) => kept.get(diffId), keep: kept.set.bind(kept) }
    const filesMade = () =>
      readdirSync(tmpdir()).flatMap((name) =>
        name.startsWith("maxcloud-image-") ? readdirSync(join(tmpdir(), name)) : []
      )
    expect(
      await withImage(path, () => filesMade().length, { memory: { ...memory, find: () => undefined } })
    ).toStrictEqual(Either.right(2))
    const again = await withImage(path, ({ root }) => [root.digest, filesMade().length], { memory })
    expect(again).toStrictEqual(Either.right([first.split(" ")[0], 0]))
    // A registry that has lost the layer gets it.
    const made = await withImage(
      path,
      (image) =>
        Effect.map(
          Effect.forEach(image.blobs, ({ content }) => content),
          (all) => [all.length, filesMade().length]
        ),
      { memory }
    )
    expect(made).toStrictEqual(Either.right([3, 2]))
  })

  it("keeps layers that are compressed already", async () => {
    const raw = await layerOf("a")
    const packed = gzipSync(raw)
    const path = write("image.tar", await dockerArchive([packed], { diffIds: [digestOf(raw)] }))
    const found = await withImage(path, ({ blobs }) => blobs.map(({ digest }) => digest))
    expect(Either.getOrThrow(found)).toContain(digestOf(packed))
  })

  it("may name a layer by a link inside, as docker did before version 25", async () => {
    const layer = await layerOf("a")
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { diff_ids: [digestOf(layer), digestOf(layer)] }
    })
    const archive = (linkname: string) =>
      tarOf([
        { name: "a/layer.tar", content: layer },
        { name: "b/layer.tar", type: "symlink", linkname },
        { name: "config.json", content: config },
        {
          name: "manifest.json",
          content: JSON.stringify([{ Config: "config.json", RepoTags: null, Layers: ["a/layer.tar", "b/layer.tar"] }])
        }
      ])
    expect(await opened(write("image.tar", await archive("../a/layer.tar")))).toMatch(/^sha256:\S+ linux\/amd64 $/)
    for (const out of ["../../etc/passwd", "/etc/passwd", "../../../image.tar"])
      expect(await opened(write("image.tar", await archive(out))), out).toMatch(/^invalid: .*(leads out|lacks)/)
  })

  it("is refused before its layers are compressed if the image isn't wanted", async () => {
    const path = write("image.tar", await dockerArchive([await layerOf("a")]))
    const refused = new OciError({ reason: "platform", message: "no" })
    const memory = { find: () => expect.unreachable("it looked at the layers"), keep: () => undefined }
    expect(await withImage(path, () => "opened", { accept: () => Effect.fail(refused), memory })).toStrictEqual(
      Either.left(refused)
    )
  })
})

describe("what isn't an image that can be pushed", () => {
  it.each<[string, RegExp, (layout: TestLayout) => Promise<void>]>([
    [
      "a layer with another content",
      /^invalid: .*digest|^sha256/,
      async (layout) => {
        const image = await layout.image([await layerOf("a")])
        layout.list(image)
        layout.files.set(
          `blobs/${image.config.replace(":", "/")}`,
          Buffer.from("x".repeat(layout.files.get(`blobs/${image.config.replace(":", "/")}`)?.length ?? 0))
        )
      }
    ],
    [
      "a manifest with another content",
      /^invalid: .*another digest/,
      async (layout) => {
        const image = await layout.image([await layerOf("a")])
        layout.list(image)
        const name = `blobs/${image.digest.replace(":", "/")}`
        layout.files.set(
          name,
          Buffer.from(
            String(layout.files.get(name)).replace("linux", "linus").replace('"schemaVersion":2', '"schemaVersion":3')
          )
        )
      }
    ],
    [
      "a missing layer",
      /^invalid: .*lacks blobs/,
      async (layout) => {
        const image = await layout.image([await layerOf("a")])
        layout.list(image)
        layout.files.delete(`blobs/${image.layers[0]?.replace(":", "/")}`)
      }
    ],
    [
      "a shorter layer",
      /^invalid: .*bytes instead of/,
      async (layout) => {
        const image = await layout.image([await layerOf("a")])
        layout.list(image)
        layout.files.set(`blobs/${image.layers[0]?.replace(":", "/")}`, Buffer.from("a"))
      }
    ],
    [
      "schema 1",
      /^invalid: .*schema 1/,
      async (layout) => {
        layout.list(layout.putJson({ schemaVersion: 1, fsLayers: [], history: [] }))
      }
    ],
    [
      "a foreign layer",
      /^invalid: .*may not be distributed/,
      async (layout) => {
        const layer = layout.put("x")
        const config = layout.putJson({ os: "windows", architecture: "amd64" })
        layout.list(
          layout.putJson({
            schemaVersion: 2,
            config: { mediaType: "application/vnd.docker.container.image.v1+json", ...config },
            layers: [
              {
                mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                ...layer,
                urls: ["https://example.com/x"]
              }
            ]
          })
        )
      }
    ],
    [
      "an artifact",
      /^invalid: .*other than a container image/,
      async (layout) => {
        const empty = layout.put("{}")
        layout.list(
          layout.putJson({
            schemaVersion: 2,
            config: { mediaType: "application/vnd.oci.empty.v1+json", ...empty },
            layers: []
          })
        )
      }
    ],
    [
      "a document that fits both kinds",
      /^invalid: .*isn't a manifest/,
      async (layout) => {
        const image = await layout.image([await layerOf("a")], { more: { manifests: [] } })
        layout.list(image)
      }
    ],
    [
      "an index in an index",
      /^invalid: .*index in an index/,
      async (layout) => {
        const image = { ...(await layout.image([await layerOf("a")])), architecture: "amd64" }
        const inner = layout.index([image])
        layout.list(
          layout.putJson({
            schemaVersion: 2,
            manifests: [{ mediaType: "application/vnd.oci.image.index.v1+json", ...inner }]
          }),
          "1",
          "index"
        )
      }
    ],
    [
      "too many layers",
      /^invalid: .*up to 200/,
      async (layout) => {
        layout.list(await layout.image(Array.from({ length: 201 }, (_, n) => Buffer.from(String(n)))))
      }
    ],
    [
      "an absurd size",
      /^invalid: .*up to 200|^tooLarge/,
      async (layout) => {
        const config = layout.putJson({ os: "linux", architecture: "amd64" })
        const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf("x"), size: 1e18 }
        layout.list(
          layout.putJson({
            schemaVersion: 2,
            config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
            layers: [layer]
          })
        )
      }
    ],
    [
      "a blob in another folder",
      /^invalid: /,
      async (layout) => {
        const config = layout.putJson({ os: "linux", architecture: "amd64" })
        layout.list(
          layout.putJson({
            schemaVersion: 2,
            config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
            layers: [
              { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: "sha256:../../../../etc/passwd", size: 1 }
            ]
          })
        )
      }
    ],
    ["nothing", /^missing: .*no image/, async () => undefined]
  ])("is refused: %s", async (_, message, fill) => {
    const layout = makeLayout()
    await fill(layout)
    expect(await opened(layoutAt(layout))).toMatch(message)
    expect(await opened(write("a.tar", await tarOf(layout.entries())))).toMatch(message)
  })

  it("includes a folder with links out of it, and with pipes", async () => {
    const layout = makeLayout()
    const image = await layout.image([await layerOf("a")])
    layout.list(image)
    const path = layoutAt(layout)
    const blob = join(path, "blobs", String(image.layers[0]).replace(":", "/"))
    rmSync(blob)
    symlinkSync(write("secret", "x".repeat(100)), blob)
    expect(await opened(path)).toMatch(/^invalid: .*leads out of its folder/)
    rmSync(blob)
    mkdirSync(blob)
    expect(await opened(path)).toMatch(/^invalid: .*isn't a file/)
  })

  it.each<[string, RegExp, ReadonlyArray<Parameters<typeof tarOf>[0][number]>]>([
    ["a path out of it", /leads out of the archive/, [{ name: "../../etc/cron.d/x", content: "x" }]],
    ["an absolute path", /leads out of the archive/, [{ name: "/etc/passwd", content: "x" }]],
    ["a pipe", /neither a file nor a folder/, [{ name: "manifest.json", type: "fifo" }]],
    [
      "a file twice",
      /twice/,
      [
        { name: "manifest.json", content: "[]" },
        { name: "./manifest.json", content: "[]" }
      ]
    ],
    ["something else", /isn't an archive of an image/, [{ name: "readme.txt", content: "hello" }]],
    ["a manifest that isn't one", /isn't one of `docker save`/, [{ name: "manifest.json", content: '{"a":1}' }]],
    ["no image", /contains 0 images/, [{ name: "manifest.json", content: "[]" }]]
  ])("includes an archive with %s", async (_, message, entries) => {
    expect(await opened(write("image.tar", await tarOf(entries)))).toMatch(message)
  })

  it("includes an archive whose layers aren't those of its configuration, is cut off, or isn't one", async () => {
    const layer = await layerOf("a")
    expect(await opened(write("image.tar", await dockerArchive([layer], { diffIds: [digestOf("other")] })))).toMatch(
      /^invalid: .*doesn't match its configuration/
    )
    expect(await opened(write("image.tar", await dockerArchive([layer], { diffIds: [] })))).toMatch(
      /^invalid: .*different layers/
    )
    const whole = await dockerArchive([layer])
    expect(await opened(write("image.tar", whole.subarray(0, 2_000)))).toMatch(
      /^invalid: .*isn't a complete tar archive/
    )
    expect(await opened(write("image.tgz", gzipSync(whole).subarray(0, 300)))).toMatch(/^invalid: .*damaged/)
    expect(await opened(write("image.tar", ""))).toMatch(/^invalid: /)
    expect(await opened(write("image.tar", "hello ".repeat(1_000)))).toMatch(/^invalid: /)
    expect(await opened(join(folder, "none.tar"))).toMatch(/^missing: .*doesn't exist/)
    expect(await opened("a b")).toMatch(/^missing: .*neither a file nor a valid image reference/)
    expect(await opened("app:1")).toMatch(/^engine: .*neither podman nor docker/)
  })

  it("never breaks the reader, whatever bytes are changed", async () => {
    const layout = makeLayout()
    layout.list(await layout.image([await layerOf("a")]), "1")
    const archives = [await tarOf(layout.entries()), await dockerArchive([await layerOf("a")])]
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...archives), changes, fc.nat(), async (archive, changed, cut) => {
        const bytes = Buffer.from(archive.subarray(0, cut % 3 === 0 ? cut % archive.length : archive.length))
        for (const [at, value] of changed) if (bytes.length > 0) bytes[at % bytes.length] = value
        // Anything but a refusal or an image would reject.
        await opened(write("image.tar", bytes))
      }),
      { numRuns: 150 }
    )
  })
})
