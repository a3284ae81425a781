import type { Build } from "@maxcloud/config-schema"
import { Data } from "effect"
import type { Start } from "./start.ts"

/** A program to run in a folder, found through PATH if `file` has no slash. */
export interface Program {
  readonly file: string
  readonly args: ReadonlyArray<string>
}

/** One command of a build, run in the snapshot. */
export interface Command extends Program {
  /** Relative to the snapshot's root. @default the root */
  readonly folder?: string
  /** Folders of the snapshot that come first on the PATH. */
  readonly path?: ReadonlyArray<string>
  /** Added to the environment that the host gives its builds. A value may name the snapshot's root as `{root}`. */
  readonly env?: Readonly<Record<string, string>>
  /** The npm package to run `file` from, by `npx`, if `file` isn't on the PATH. */
  readonly npx?: string
  /** For people: `npm ci`. */
  readonly label: string
}

/** The input of a snapshot's build. */
export interface BuildInput {
  /** The unpacked snapshot, absolute. It is built in place. */
  readonly folder: string
  /** The folder inside that is the service, in a snapshot that was cut from a workspace. @default the snapshot's root */
  readonly package?: string | undefined
  /** As the config writes it. @default the project's own `build` script */
  readonly build?: Build | undefined
  /** Does the config say what to run? Then nothing has to be found. @default no */
  readonly hasCommand?: boolean | undefined
}

/**
 * The place where a build can run commands, and keep results that others can reuse. The host owns the folder except while `commands` run:
 * then it belongs to the build's user, and only commands may change it.
 */
export interface BuildHost {
  /** Has `use` run commands, one after the other. When it returns, none of their processes is left. */
  readonly commands: (use: (run: (command: Command) => Promise<void>) => Promise<void>) => Promise<void>
  /**
   * Builds an image with `dockerfile`, a file in `context` (absolute), from the files there; returns a name by which the host finds it. Fails with
   * `BuildFailed` if the host doesn't build images.
   */
  readonly image: (dockerfile: string, context: string) => Promise<string>
  /** Removes a tree, even if some of its folders are read-only. */
  readonly remove: (path: string) => Promise<void>
  readonly cache: {
    /** A read-only tree that `keep` was given. */
    readonly find: (key: string) => Promise<string | undefined>
    /** Keeps a tree, read-only, and links its files: `folder` stays usable. */
    readonly keep: (key: string, folder: string, forBuild?: boolean) => Promise<void>
    /** Puts a kept tree into place, its files linked. `forBuild`: whoever builds can write to copies that it makes of them. */
    readonly use: (key: string, folder: string, forBuild?: boolean) => Promise<void>
    readonly note: (key: string) => Promise<string | undefined>
    readonly setNote: (key: string, text: string) => Promise<void>
  }
  /** Takes what happens, a line at a time. */
  readonly progress: (line: string) => void
}

/** The result of a build. Plain data: it can be stored. */
export type Built = BuiltFolder | BuiltImage

/** An image that runs. */
export interface BuiltImage {
  /** As the host's `image` has named it. */
  readonly image: string
  /** `Dockerfile`. */
  readonly kind: string
}

/** A folder that runs. */
export interface BuiltFolder {
  /** The folder to run, relative to the snapshot's root: `.` or a folder in it. */
  readonly folder: string
  /** undefined: only the config's own `command` says what to run. */
  readonly start: Start | undefined
  /** Folders that come first on the program's PATH, relative to the snapshot's root. */
  readonly path: ReadonlyArray<string>
  /** Environment variables that the program needs; those of the config go before. */
  readonly environment: Readonly<Record<string, string>>
  /** The detected kind of project: `Next.js`, `static site`, `Python (FastAPI)`. */
  readonly kind: string
  /** The cache key of the dependencies. */
  readonly cacheKeys: ReadonlyArray<string>
}

/**
 * `unavailable`: the machine's or the network's fault, so that another try may help. `invalid`: the source's.
 * `nothingToRun`: nothing says how the source runs. `message` is for the user.
 */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{
  readonly reason: "unavailable" | "invalid" | "nothingToRun"
  readonly message: string
  readonly cause?: unknown
}> {}

export const nothingToRun = (message: string) => new BuildFailed({ reason: "nothingToRun", message })
export const invalid = (message: string) => new BuildFailed({ reason: "invalid", message })
