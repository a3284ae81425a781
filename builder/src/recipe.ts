import type { Command } from "./model.ts"
import type { Shape } from "./node/frameworks.ts"

/** The build of a project in a language other than JavaScript. Paths are relative to the service's folder. */
export interface Recipe {
  /** `Python`, `Go`, `Deno`. */
  readonly name: string
  /** Commands that fetch the dependencies, in order. */
  readonly install: ReadonlyArray<Command>
  /** Files that pin their versions. */
  readonly lockfile: string
  /** Commands that run before each build: the build of a package.json next to it (styles, browser scripts), checks of the cache. */
  readonly assets: ReadonlyArray<Command>
  readonly build: Command | undefined
  /** Checks the installed packages before others use them. Rejects with `BuildFailed`. @default no check */
  readonly verify?: (folder: string) => Promise<void>
  /** A folder that the next build with the same key can reuse. It is cached after the install, or `afterBuild`. */
  readonly cache: { readonly key: string; readonly folder: string; readonly afterBuild: boolean } | undefined
  /** Folders that only the build needs. */
  readonly drop: ReadonlyArray<string>
  /** The command that runs the built project. */
  readonly shape: (folder: string) => Promise<Shape>
  readonly environment: Readonly<Record<string, string>>
  /** Folders to prepend to the PATH at run time. */
  readonly path: ReadonlyArray<string>
}
