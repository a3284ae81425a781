import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../../../sdk/test/temporaryFolder.ts"
import { pageBytes } from "./pageChecksum.ts"
import { checkPages } from "./pages.ts"

const folderWith = (bytes: Buffer) => {
  const data = temporaryFolder("maxcloud-pages-")
  mkdirSync(join(data, "base/1"), { recursive: true })
  writeFileSync(join(data, "base/1/16384"), bytes)
  return data
}
const readAll =
  (unreadable: ReadonlyArray<number>): Parameters<typeof checkPages>[1] =>
  async (file, buffer, position) => {
    const isHit = unreadable.some(
      (value) => value * pageBytes < position + buffer.length && (value + 1) * pageBytes > position
    )
    if (isHit) throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" })
    return (await file.read(buffer, 0, buffer.length, position)).bytesRead
  }

describe("the pages of a database", () => {
  it("are read around unreadable ones, which are reported with the fault", async () => {
    const bytes = Buffer.alloc(300 * pageBytes)
    bytes.fill(1, 3 * pageBytes, 4 * pageBytes)
    const { damaged, pages } = await checkPages(folderWith(bytes), readAll([5, 299]))
    expect(pages).toBe(300)
    expect(damaged.map((each) => each.block)).toStrictEqual([3, 5, 299])
    expect(damaged[0]?.what).toBe("Its checksum is wrong.")
    expect(damaged[1]?.what ?? "").toMatch(/^Couldn't read it\. .*input\/output errors/)
  })

  it("are all checked a second time together: hundreds of damaged ones take no longer than one", {
    timeout: 20_000
  }, async () => {
    const { damaged, pages } = await checkPages(folderWith(Buffer.alloc(400 * pageBytes, 1)))
    expect(pages).toBe(400)
    // One in 65,536 has the right checksum by chance.
    expect(damaged.length).toBeGreaterThanOrEqual(395)
  })
})
