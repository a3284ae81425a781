import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { fileFor } from "./fileFor.ts"
import { installedPackage, packageOf } from "./linkedPackage.ts"
import { ownSdk } from "./ownSdk.ts"
import { makeTsconfigPaths } from "./tsconfigPaths.ts"

/** The path of an import such as `./x`, `../x`, `/x` or a file: URL; undefined for a name. */
export const writtenPath = (specifier: string, file: string): string | undefined => {
  if (specifier.startsWith("file:")) return fileURLToPath(specifier)
  // `resolve` drops the trailing slash that marks a folder.
  if (/^\.{0,2}\/|^\.{1,2}$/.test(specifier))
    return join(resolve(dirname(file), specifier), /\/$/.test(specifier) ? "/" : "")
  return undefined
}

/** A package of TypeScript sources has no main file that Node accepts, or omits its extension. */
const inLinkedPackage = (specifier: string, file: string): string | undefined => {
  const named = packageOf(specifier)
  const found = named === undefined ? undefined : installedPackage(named.name, file)
  if (named === undefined || found?.isLinked !== true || found.hasExports) return undefined
  if (named.inside !== "") return fileFor(join(found.folder, named.inside))
  return found.hasMain ? undefined : (fileFor(join(found.folder, "index")) ?? fileFor(join(found.folder, "src/index")))
}

/** Resolves imports that TypeScript and bundlers know but Node doesn't. Create one for each evaluation, because files may change in between. */
export const makeImportResolver = () => {
  const paths = makeTsconfigPaths()
  const tsconfigs = new Set<string>()
  return {
    paths,
    /** The tsconfig.json files that were used. */
    tsconfigs,
    /** Resolves an import with tsconfig.json's `paths` and `baseUrl`, which take precedence over packages. */
    alias: async (specifier: string, file: string): Promise<string | undefined> => {
      const found = await paths.mapped(specifier, file)
      if (found !== undefined) tsconfigs.add(found.tsconfig)
      return found?.file
    },
    /** Resolves an import that Node doesn't find. */
    missing: (specifier: string, file: string): string | undefined => {
      const path = writtenPath(specifier, file)
      return path === undefined ? (inLinkedPackage(specifier, file) ?? ownSdk(specifier)) : fileFor(path)
    }
  }
}

export type ImportResolver = ReturnType<typeof makeImportResolver>
