import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { zstdDecompressSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { extract } from "tar-stream"
import { writeLayer } from "./layer.ts"
import { blobFile, openLayout } from "./layout.ts"
import { readTree, type TreeEntry } from "./tree.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "layer-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const put = (path: string, content: string | Buffer) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), content)
}

const store = async (entries: ReadonlyArray<TreeEntry>, name = "out") => {
  const at = join(folder, name)
  const { descriptor, diffId } = await writeLayer(await openLayout(at), "app", entries)
  const tar = zstdDecompressSync(readFileSync(blobFile(at, descriptor.digest)))
  return { descriptor, diffId, tar }
}

interface Read {
  readonly name: string
  readonly mode: number | undefined
  readonly link: string | undefined
  readonly content: Buffer
  readonly fixed: boolean
}

const read = async (tar: Buffer): Promise<ReadonlyArray<Read>> => {
  const found: Array<Read> = []
  const archive = extract()
  Readable.from([tar]).pipe(archive)
  for await (const entry of archive) {
    const chunks: Array<Buffer> = []
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
    const { gid, linkname, mode, mtime, name, uid } = entry.header
    const fixed = uid === 0 && gid === 0 && mtime?.getTime() === 0
    found.push({ name, mode, link: linkname ?? undefined, content: Buffer.concat(chunks), fixed })
  }
  return found
}

const file = (path: string, content: Buffer, mode: 0o644 | 0o755 = 0o644): TreeEntry => ({
  path,
  kind: "file",
  mode,
  bytes: content.length,
  content
})

describe("a layer", () => {
  it("has folders before their files, sorted by bytes, with fixed times, owners and modes", async () => {
    put("tree/b/z.js", "z")
    put("tree/b-a.js", "a")
    put("tree/run", "#!/bin/sh")
    put("tree/ü", "u")
    chmodSync(join(folder, "tree/run"), 0o700)
    chmodSync(join(folder, "tree/b-a.js"), 0o600)
    symlinkSync("b/z.js", join(folder, "tree/link"))
    const { tar } = await store(await readTree(join(folder, "tree")))
    const all = await read(tar)
    expect(all.map(({ link, mode, name }) => [name, mode?.toString(8), link])).toStrictEqual([
      ["app/", "755", undefined],
      ["app/b/", "755", undefined],
      ["app/b-a.js", "644", undefined],
      ["app/b/z.js", "644", undefined],
      ["app/link", "777", "b/z.js"],
      ["app/run", "755", undefined],
      ["app/ü", "644", undefined]
    ])
    expect(all.every(({ fixed }) => fixed)).toBe(true)
  })

  it("has the same digest whenever, wherever and in whatever order its files were made", async () => {
    const names = ["a", "b/c", "b/d/e", "f"]
    for (const [tree, order, time] of [
      ["one", names, 1_000],
      ["a/longer/path/two", names.toReversed(), 2_000]
    ] as const)
      for (const name of order) {
        put(`${tree}/${name}`, name.repeat(100_000))
        utimesSync(join(folder, tree, name), time, time)
        chmodSync(join(folder, tree, name), time === 1_000 ? 0o644 : 0o600)
      }
    const one = await store(await readTree(join(folder, "one")), "out/1")
    const two = await store(await readTree(join(folder, "a/longer/path/two")), "out/2")
    expect(two.descriptor).toStrictEqual(one.descriptor)
    expect(two.diffId).toBe(one.diffId)
    put("one/f", "other")
    expect((await store(await readTree(join(folder, "one")), "out/1")).descriptor.digest).not.toBe(
      one.descriptor.digest
    )
  })

  it("names the digests of what it stored, packed and unpacked", async () => {
    const { descriptor, diffId, tar } = await store([file("a", Buffer.from("a"))])
    const packed = readFileSync(blobFile(join(folder, "out"), descriptor.digest))
    expect(descriptor.digest).toBe(`sha256:${createHash("sha256").update(packed).digest("hex")}`)
    expect(descriptor.size).toBe(packed.length)
    expect(diffId).toBe(`sha256:${createHash("sha256").update(tar).digest("hex")}`)
  })

  const segment = fc.oneof(
    fc.stringMatching(/^[a-z0-9]{1,12}$/),
    fc.stringMatching(/^[A-Za-z0-9 ._=\\"'%+-]{1,120}$/),
    fc.fullUnicodeString({ minLength: 1, maxLength: 60 })
  )
  const name = segment.filter((text) => !/[/\0\ud800-\udfff]/u.test(text) && !/^\.{1,2}$/.test(text))
  const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((parts) => parts.join("/"))
  const sizes = fc.oneof(fc.constantFrom(0, 1, 511, 512, 513, 262_143, 262_144, 262_145), fc.nat(3_000))

  it("keeps names of any length and language, and contents of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, sizes, fc.boolean()), { selector: ([text]) => text, minLength: 1, maxLength: 6 }),
        async (all) => {
          // A file can't also be a folder.
          const free = all.filter(([text]) => !all.some(([other]) => other.startsWith(`${text}/`)))
          const entries = free.map(([text, size, executable]) =>
            file(text, Buffer.alloc(size, text), executable ? 0o755 : 0o644)
          )
          const { tar } = await store(entries)
          const found = (await read(tar)).filter((each) => !each.name.endsWith("/"))
          const sorted = entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
          expect(found.map((each) => [each.name, each.mode])).toStrictEqual(
            sorted.map((each) => [`app/${each.path}`, each.mode])
          )
          for (const [at, each] of found.entries())
            expect(each.content.equals(Buffer.from(sorted[at]?.content ?? ""))).toBe(true)
        }
      ),
      { numRuns: 60 }
    )
  })

  it("is read by tar", async () => {
    const long = `${"d".repeat(90)}/${"é".repeat(100)}.txt`
    const { tar } = await store([file(long, Buffer.from("content")), file("a b", Buffer.alloc(70_000))])
    const listed = execFileSync("tar", ["--list", "--verbose", "--quoting-style=literal"], {
      input: tar,
      encoding: "utf8"
    })
    expect(listed).toContain(` app/${long}\n`)
    expect(listed).toMatch(/0\/0 +70000 1970-01-01 \S+ app\/a b\n/)
  })

  it("isn't stored if a file changes meanwhile", async () => {
    put("tree/a", "short")
    const entries = await readTree(join(folder, "tree"))
    put("tree/a", "longer than before")
    await expect(store(entries)).rejects.toThrow(/"a" in the built source changed while it was read/)
    symlinkSync("/etc/passwd", join(folder, "tree/b"))
    const [first] = entries
    if (first === undefined) throw new Error("no entry")
    await expect(store([{ ...first, path: "b", content: join(folder, "tree/b") }])).rejects.toThrow(/ELOOP/)
  })

  it("takes time in proportion to its files", async () => {
    const make = async (count: number) => {
      const entries = Array.from({ length: count }, (_, at) =>
        file(`node_modules/p${at % 100}/f${at}.js`, Buffer.from(`${at}`))
      )
      const begun = performance.now()
      await store(entries)
      return performance.now() - begun
    }
    await make(500)
    const [some, many] = [await make(1_000), await make(10_000)]
    // Ten times as many files; quadratic would be a hundred times.
    expect(many / some).toBeLessThan(30)
  })
})
