import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"

/** An entry as a client would send it; `type` and the rest may be deliberately wrong. */
export interface Entry {
  readonly path: string
  readonly content?: string | Buffer
  readonly mode?: number
  readonly type?: string
  readonly target?: string
  /** The header's value, if it is a lie. */
  readonly size?: number
}

const header = ({ path, content = "", mode = 0o644, type = "0", target = "", size }: Entry): Buffer => {
  const block = Buffer.alloc(512)
  const bytes = size ?? Buffer.byteLength(content)
  block.write(path, 0, 100)
  block.write(`${mode.toString(8).padStart(7, "0")}\0`, 100)
  block.write("0000000\0".repeat(2), 108)
  block.write(`${bytes.toString(8).padStart(11, "0")}\0`, 124)
  block.write(`${"0".repeat(11)}\0`, 136)
  block.write(" ".repeat(8), 148)
  block.write(type, 156)
  block.write(target, 157, 100)
  block.write("ustar\u000000", 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return block
}

const padded = (content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

const pax = (key: string, value: string): Buffer => {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest)
  const content = `${length}${rest}`
  return Buffer.concat([header({ path: "pax", content, type: "x" }), padded(content)])
}

/** A gzipped tar of these entries in their order; long paths use a pax header. */
export const tarOf = (entries: ReadonlyArray<Entry>): Buffer =>
  gzipSync(
    Buffer.concat([
      ...entries.flatMap((entry) => [
        ...(Buffer.byteLength(entry.path) > 100 ? [pax("path", entry.path)] : []),
        ...(Buffer.byteLength(entry.target ?? "") > 100 ? [pax("linkpath", entry.target ?? "")] : []),
        header(entry),
        padded(entry.content ?? "")
      ]),
      Buffer.alloc(1024)
    ])
  )

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex")

/** The snapshot digest of these entries. */
export const digestOf = (entries: ReadonlyArray<Entry>): string =>
  `sha256:${sha256(
    entries
      .map(({ path, content = "", mode = 0o644, target, type = "0" }) =>
        type === "2"
          ? `link\0${path}\0${sha256(target ?? "")}\n`
          : `${mode & 0o100 ? "755" : "644"}\0${path}\0${sha256(content)}\n`
      )
      .join("")
  )}`
