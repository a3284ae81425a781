import type { Command } from "./model.ts"
import type { Shape } from "./node/frameworks.ts"

/** How a project of another language than JavaScript is built. Paths are relative to the service's folder. */
export interface Recipe {
  /** `Python`, `Go`, `Deno`. */
  readonly name: string
  /** What gets the dependencies, in order. */
  readonly install: ReadonlyArray<Command>
  /** What says their versions. */
  readonly lockfile: string
  /** What runs before the build each time: what a package.json beside builds (styles, scripts for browsers), checks of the cache. */
  readonly assets: ReadonlyArray<Command>
  readonly build: Command | undefined
  /** Checks what was installed, before others use it. Rejects with `BuildFailed`. @default it is taken */
  readonly verify?: (folder: string) => Promise<void>
  /** A folder that the next build with the same key can use. It is kept after the install, or `afterBuild`. */
  readonly cache: { readonly key: string; readonly folder: string; readonly afterBuild: boolean } | undefined
  /** Folders that only the build needs. */
  readonly drop: ReadonlyArray<string>
  /** What is run, once it is built. */
  readonly shape: (folder: string) => Promise<Shape>
  readonly environment: Readonly<Record<string, string>>
  /** Folders that come first on the PATH of what runs. */
  readonly path: ReadonlyArray<string>
}
