import { posix } from "node:path"
import { invalid } from "./tarReader.ts"

const longestName = 255
const longestPath = 1024
const mostLinks = 40

/** Refuses a path that could name anything outside of the folder, or nothing at all. */
export const checkPath = (path: string): void => {
  const shown = JSON.stringify(path.slice(0, 200))
  if (path === "" || path.startsWith("/") || path.includes("\0"))
    throw invalid(`The archive contains the path ${shown}. Paths must be relative to the folder.`)
  const names = path.split("/")
  if (names.some((name) => name === "" || name === "." || name === ".."))
    throw invalid(`The archive contains the path ${shown}. Paths can't contain empty names, "." or "..".`)
  if (Buffer.byteLength(path) > longestPath || names.some((name) => Buffer.byteLength(name) > longestName))
    throw invalid(`The archive contains a path that's too long: ${shown}.`)
}

/**
 * Follows every link through all others, as the kernel would, and refuses one that leaves the folder on its way: `a ->
 * sub/dir` and `b -> a/../..` each look harmless. Dangling links are fine.
 */
export const checkLinks = (links: ReadonlyMap<string, string>): void => {
  for (const [path, target] of links) {
    const leaves = () =>
      invalid(
        `The archive contains the link ${JSON.stringify(path)}, which leaves the folder: ${JSON.stringify(target)}.`
      )
    let followed = 0
    const walk = (from: ReadonlyArray<string>, toward: string): ReadonlyArray<string> => {
      if (toward.startsWith("/") || toward === "" || toward.includes("\0")) throw leaves()
      let at = from
      for (const name of toward.split("/")) {
        if (name === "" || name === ".") continue
        if (name === "..") {
          if (at.length === 0) throw leaves()
          at = at.slice(0, -1)
          continue
        }
        const next = [...at, name]
        const link = links.get(next.join("/"))
        if (link === undefined) at = next
        else {
          if (++followed > mostLinks) throw invalid(`The archive contains a cycle of links: ${JSON.stringify(path)}.`)
          at = walk(at, link)
        }
      }
      return at
    }
    const parent = posix.dirname(path)
    walk(parent === "." ? [] : parent.split("/"), target)
  }
}
