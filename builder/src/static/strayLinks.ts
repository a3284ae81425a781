import { readdir, realpath, rm, stat } from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"

interface Link {
  readonly path: string
  /** The link's final target; undefined if it's broken. */
  readonly target: string | undefined
  readonly isFolder: boolean
}

async function* linksOf(folder: string): AsyncGenerator<Link> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* linksOf(path)
    if (!entry.isSymbolicLink()) continue
    const found = await stat(path).catch(() => undefined)
    const isGood = found?.isFile() === true || found?.isDirectory() === true
    yield { path, target: isGood ? await realpath(path) : undefined, isFolder: found?.isDirectory() === true }
  }
}

/**
 * Removes links of a site that are broken or point outside, and those to folders with such links, since walking the site could run into a cycle.
 * Returns their paths in the site. Call this when nothing else can change the folder.
 */
export const removeStrayLinks = async (site: string): Promise<ReadonlyArray<string>> => {
  const root = await realpath(site)
  const links: Array<Link> = []
  for await (const link of linksOf(root)) links.push(link)
  const withLinks = new Set<string>()
  for (const { isFolder, path } of links)
    for (let at = path; isFolder && at !== root; ) {
      at = dirname(at)
      withLinks.add(at)
    }
  const strays = links.filter(
    ({ target }) => target === undefined || !`${target}${sep}`.startsWith(`${root}${sep}`) || withLinks.has(target)
  )
  for (const { path } of strays) await rm(path)
  return strays.map(({ path }) => relative(root, path))
}
