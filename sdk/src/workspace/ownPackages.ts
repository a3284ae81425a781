import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Member } from "./findWorkspace.ts"
import type { Dependency } from "./packageJson.ts"

/** Says by itself that it isn't the workspace's package: another registry name, an archive, a repository. */
export const namesElsewhere = (written: string): boolean =>
  /^(npm|jsr|git|git\+\w+|https?|github|gitlab|bitbucket|ssh):/.test(written)

/** How pnpm's lockfile resolves each dependency of a package: only pnpm knows whether it links the workspace's packages. */
const readPnpmLock = async (root: string) => {
  const text = await readFile(join(root, "pnpm-lock.yaml"), "utf8").catch(() => undefined)
  // The parser is large.
  return text === undefined ? undefined : (await import("./pnpmLock.ts")).lockedVersions(text)
}

/**
 * Why a dependency that has the name of a package of the workspace would be the public package of that name; undefined if it is the
 * workspace's own. npm, Yarn and Bun link the workspace's package if its version fits the range; pnpm says in its lockfile what it does.
 */
export const makeIsPublic = (root: string) => {
  let lock: ReturnType<typeof readPnpmLock> | undefined
  return async (from: string, { field, name, written }: Dependency, member: Member): Promise<string | undefined> => {
    lock ??= readPnpmLock(root)
    const version = (await lock)?.(from === "" ? "." : from, field, name)
    if (version !== undefined) {
      return version.startsWith("link:")
        ? undefined
        : `and pnpm-lock.yaml takes the public ${name} ${version}, not the workspace's own in ${member.folder}`
    }
    const own = typeof member.packageJson.version === "string" ? member.packageJson.version : "0.0.0"
    const { fitsRange } = await import("./versionRanges.ts")
    // A tag's version isn't known here.
    return fitsRange(own, written) !== false
      ? undefined
      : `which the workspace's own ${name} ${own} in ${member.folder} doesn't fit, so that the public ${name} would be installed`
  }
}

/** How to say which of the two is meant. */
export const ownOrPublic = ({ name, written }: Dependency, { packageJson }: Member): string => {
  const own = typeof packageJson.version === "string" ? `^${packageJson.version}` : "*"
  return `for the workspace's own, write "${own}" ("workspace:*" with pnpm, Yarn 4 or Bun) and install anew; for the public one, "npm:${name}@${written}"`
}
