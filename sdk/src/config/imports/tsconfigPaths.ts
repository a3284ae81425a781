import { statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import type { PathsMatcher } from "get-tsconfig"
import { fileFor } from "./fileFor.ts"

/** The mapping of an import by a file's tsconfig.json. */
export interface Mapped {
  /** The absolute path of the tsconfig.json (or jsconfig.json) with the mapping. */
  readonly tsconfig: string
  /** The mapped file; undefined if it exists in none of the places. */
  readonly file: string | undefined
  /** The candidate paths, absolute. */
  readonly places: ReadonlyArray<string>
}

interface Project {
  readonly path: string
  readonly matchers: ReadonlyArray<{ readonly path: string; readonly match: PathsMatcher; readonly byPaths: boolean }>
  /** Why the file can't be read. */
  readonly fault: string | undefined
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

const tsconfigAbove = (folder: string): string | undefined => {
  for (let at = folder; ; at = dirname(at)) {
    const found = ["tsconfig.json", "jsconfig.json"].map((name) => join(at, name)).find(isFile)
    if (found !== undefined || dirname(at) === at) return found
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const readProject = async (path: string): Promise<Project> => {
  const { createPathsMatcher, parseTsconfig } = await import("get-tsconfig")
  const cache = new Map()
  const matcherOf = (tsconfig: string) => {
    const config = parseTsconfig(tsconfig, cache)
    const match = createPathsMatcher({ path: tsconfig, config })
    const byPaths = isObject(config.compilerOptions?.paths)
    return { config, matchers: match === null ? [] : [{ path: tsconfig, match, byPaths }] }
  }
  try {
    const own = matcherOf(path)
    // Vite's and Angular's starters have `paths` in the projects that their tsconfig.json references.
    const referred = own.config.references ?? []
    const others = referred.flatMap((issue) => {
      const target = resolve(dirname(path), issue.path)
      const file = isFile(target) ? target : join(target, "tsconfig.json")
      return isFile(file) ? matcherOf(file).matchers : []
    })
    return { path, matchers: [...own.matchers, ...others], fault: undefined }
  } catch (error) {
    return { path, matchers: [], fault: error instanceof Error ? error.message : String(error) }
  }
}

/** Reads `paths` and `baseUrl` as TypeScript does, each tsconfig.json once. */
export const makeTsconfigPaths = () => {
  const projects = new Map<string, Promise<Project>>()
  const projectOf = async (file: string): Promise<Project | undefined> => {
    const path = tsconfigAbove(dirname(file))
    if (path === undefined) return undefined
    const project = projects.get(path) ?? readProject(path)
    projects.set(path, project)
    return project
  }
  return {
    /** The mapping of `specifier` in `file` (absolute); undefined if there is none. */
    mapped: async (specifier: string, file: string): Promise<Mapped | undefined> => {
      const project = await projectOf(file)
      let missing: Mapped | undefined
      for (const { byPaths, match, path } of project?.matchers ?? []) {
        const places = match(specifier)
        const found = places.map(fileFor).find((value) => value !== undefined)
        if (found !== undefined) return { tsconfig: path, file: found, places }
        // Any name could be below baseUrl. Only a pattern in `paths` means that it must exist.
        if (byPaths && places.length > 0) missing ??= { tsconfig: path, file: undefined, places }
      }
      return missing
    },
    /** The tsconfig.json of `file`, if it can't be read. */
    faultFor: async (file: string): Promise<{ readonly tsconfig: string; readonly message: string } | undefined> => {
      const project = await projectOf(file)
      return project?.fault === undefined ? undefined : { tsconfig: project.path, message: project.fault }
    }
  }
}
