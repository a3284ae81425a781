import { lstat, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { filesOf, isInside } from "../files.ts"
import { type BuiltFolder, invalid } from "../model.ts"
import { staticServer } from "./program.ts"
import { removeStrayLinks } from "./strayLinks.ts"

const compressible = new Set(
  ".css .csv .htm .html .ics .js .json .map .mjs .svg .txt .wasm .webmanifest .xhtml .xml .ttf .otf .ico".split(" ")
)
const smallest = 1_024
const largest = 16 * 2 ** 20

const serverFile = "server.mjs"

/**
 * Compresses each suitable file once, and stores the result next to it, so that the server only has to send it. Call this when nothing else can change
 * the folder.
 */
const compress = async (folder: string): Promise<void> => {
  const brotli = promisify(brotliCompress)
  for await (const path of filesOf(folder)) {
    if (!compressible.has(extname(path).toLowerCase())) continue
    const file = join(folder, path)
    const { size } = await lstat(file)
    if (size < smallest || size > largest) continue
    const content = await readFile(file)
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: size > 2 ** 20 ? 5 : 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: size
    }
    for (const [ending, packed] of [
      ["br", await brotli(content, { params })],
      ["gz", await promisify(gzip)(content, { level: 8 })]
    ] as const)
      if (packed.length < size) await writeFile(`${file}.${ending}`, packed, { flag: "wx" }).catch(unlessThere)
  }
}

/** The build has already created it. */
const unlessThere = (cause: NodeJS.ErrnoException) => {
  if (cause.code !== "EEXIST") throw cause
}

/** Creates the new folder `to`, which serves the site `from` (a folder in `root`). */
export const makeSite = async (
  root: string,
  from: string,
  to: string,
  progress: (line: string) => void = () => {}
): Promise<Pick<BuiltFolder, "environment" | "folder" | "path" | "start">> => {
  const site = join(root, from)
  const found = await lstat(site).catch(() => undefined)
  if (found?.isDirectory() !== true || (from !== "." && !(await isInside(root, site))))
    throw invalid(`The build didn't create the folder ${from} to serve. Correct \`output\` in the config.`)
  await mkdir(to, { mode: 0o755 })
  await rename(site, join(to, "site"))
  const left = await removeStrayLinks(join(to, "site"))
  if (left.length > 0)
    progress(
      `Left out of the site, because the link points outside, to nothing or in a cycle: ${left.slice(0, 10).join(", ")}`
    )
  await compress(join(to, "site"))
  await writeFile(join(to, serverFile), staticServer)
  return {
    folder: ".",
    path: [],
    start: { file: "node", args: [serverFile, "site"] },
    environment: { NODE_ENV: "production" }
  }
}
