import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Member } from "./findWorkspace.ts"
import type { Dependency } from "./packageJson.ts"

/** Matches versions that can't mean the workspace's package: another registry name, an archive, a repository. */
export const namesElsewhere = (written: string): boolean =>
  /^(npm|jsr|git|git\+\w+|https?|github|gitlab|bitbucket|ssh):/.test(written)

/** The resolution of each dependency in pnpm's lockfile, because only pnpm knows whether it links the workspace's packages. */
const readPnpmLock = async (root: string) => {
  const text = await readFile(join(root, "pnpm-lock.yaml"), "utf8").catch(() => undefined)
  // The parser is large.
  return text === undefined ? undefined : (await import("./pnpmLock.ts")).lockedVersions(text)
}

/**
 * Why a dependency with the name of a workspace package would resolve to the public package of that name; undefined if it resolves to the
 * workspace's own. npm, Yarn and Bun link the workspace's package if its version fits the range; for pnpm, its lockfile says.
 */
export const makeIsPublic = (root: string) => {
  let lock: ReturnType<typeof readPnpmLock> | undefined
  return async (from: string, { field, name, written }: Dependency, member: Member): Promise<string | undefined> => {
    lock ??= readPnpmLock(root)
    const version = (await lock)?.(from === "" ? "." : from, field, name)
    if (version !== undefined) {
      return version.startsWith("link:")
        ? undefined
        : `and pnpm-lock.yaml uses the public ${name} ${version}, not the workspace's own in ${member.folder}`
    }
    const own = typeof member.packageJson.version === "string" ? member.packageJson.version : "0.0.0"
    const { fitsRange } = await import("./versionRanges.ts")
    // The version of a tag is unknown here.
    return fitsRange(own, written) !== false
      ? undefined
      : `which the workspace's own ${name} ${own} in ${member.folder} doesn't satisfy, so the public ${name} would be installed`
  }
}

/** The fix: how to write each of the two. */
export const ownOrPublic = ({ name, written }: Dependency, { packageJson }: Member): string => {
  const own = typeof packageJson.version === "string" ? `^${packageJson.version}` : "*"
  return `for the workspace's own, write "${own}" ("workspace:*" with pnpm, Yarn 4 or Bun) and reinstall; for the public one, "npm:${name}@${written}"`
}
