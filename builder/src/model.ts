import type { Build } from "@maxcloud/config-schema"
import { Data } from "effect"

/** A program to run in a folder, found through PATH if `file` has no slash. */
export interface Program {
  readonly file: string
  readonly args: ReadonlyArray<string>
}

/** One command of a build, run in the snapshot. */
export interface Command extends Program {
  /** Relative to the snapshot's root. @default the root */
  readonly folder?: string
  /** Folders of the snapshot to prepend to the PATH. */
  readonly path?: ReadonlyArray<string>
  /** Additional environment variables of the build. `{root}` in a value means the snapshot's root. */
  readonly env?: Readonly<Record<string, string>>
  /** The npm package to run `file` from, by `npx`, if `file` isn't on the PATH. */
  readonly npx?: string
  /** The display name, such as `npm ci`. */
  readonly label: string
}

/** The input of a build. */
export interface BuildInput {
  /** The absolute path of the unpacked snapshot. The build runs in place. */
  readonly folder: string
  /** The service's folder in a snapshot that was cut from a workspace. @default the snapshot's root */
  readonly package?: string | undefined
  /** As the config writes it. @default the project's own `build` script */
  readonly build?: Build | undefined
  /** Whether the config has a command, so that none needs to be detected. @default no */
  readonly hasCommand?: boolean | undefined
}

/**
 * Runs a build's commands, and caches results that other builds can reuse. The host owns the folder except while `commands` run: then it belongs to
 * the build's user, and only commands may change it.
 */
export interface BuildHost {
  /** Lets `use` run commands, one after the other. When it returns, none of their processes is left. */
  readonly commands: (use: (run: (command: Command) => Promise<void>) => Promise<void>) => Promise<void>
  /**
   * Builds an image with `dockerfile`, a file in `context` (absolute), and returns a name for the host to find it. Fails with `BuildFailed` if the host
   * doesn't build images.
   */
  readonly image: (dockerfile: string, context: string) => Promise<string>
  /** Removes a tree, even if some of its folders are read-only. */
  readonly remove: (path: string) => Promise<void>
  readonly cache: {
    /** A read-only tree stored by `keep`. */
    readonly find: (key: string) => Promise<string | undefined>
    /** Stores a tree read-only, and links its files, so that `folder` stays usable. */
    readonly keep: (key: string, folder: string, forBuild?: boolean) => Promise<void>
    /** Restores a stored tree, with its files linked. `forBuild`: the build can write to its own copies of them. */
    readonly use: (key: string, folder: string, forBuild?: boolean) => Promise<void>
    readonly note: (key: string) => Promise<string | undefined>
    readonly setNote: (key: string, text: string) => Promise<void>
  }
  /** Receives the progress, one line at a time. */
  readonly progress: (line: string) => void
}

/** How to start a folder: a script of its package.json with the shell, or a program. Plain data. */
export type Start =
  | { readonly script: string; readonly prestart?: string | undefined }
  | { readonly file: string; readonly args: ReadonlyArray<string> }

/** The result of a build. Plain data: it can be stored. */
export type Built = BuiltFolder | BuiltImage

/** An image that runs. */
export interface BuiltImage {
  /** The name that the host's `image` returned. */
  readonly image: string
  /** `Dockerfile`. */
  readonly kind: string
}

/** A folder that runs. */
export interface BuiltFolder {
  /** The folder to run, relative to the snapshot's root: `.` or a folder in it. */
  readonly folder: string
  /** undefined if only the config's `command` says what to run. */
  readonly start: Start | undefined
  /** Folders to prepend to the program's PATH, relative to the snapshot's root. */
  readonly path: ReadonlyArray<string>
  /** Environment variables that the program needs. Those of the config take precedence. */
  readonly environment: Readonly<Record<string, string>>
  /** The detected kind of project: `Next.js`, `static site`, `Python (FastAPI)`. */
  readonly kind: string
  /** The cache key of the dependencies. */
  readonly cacheKeys: ReadonlyArray<string>
}

/**
 * `unavailable`: the machine's or the network's fault, so a retry may help. `invalid`: the source's fault. `nothingToRun`: no start command was
 * found. `message` is for the user.
 */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{
  readonly reason: "unavailable" | "invalid" | "nothingToRun"
  readonly message: string
  readonly cause?: unknown
}> {}

export const nothingToRun = (message: string) => new BuildFailed({ reason: "nothingToRun", message })
export const invalid = (message: string) => new BuildFailed({ reason: "invalid", message })
