import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { UsageError } from "../errors/failure.ts"
import { type BaseOf, baseFlag, basesOf } from "./bases.ts"

/** The flags of commands that build the sources of a config. */
export const buildFlags = {
  build: text("build", "WHERE", {
    description:
      "`local`: build images of sources on this machine, also for a server that could build them [as the server needs it]"
  }),
  base: baseFlag
}

export interface BuildFlags {
  readonly build: string | undefined
  readonly base: ReadonlyArray<string>
}

export interface BuildSettings {
  /** Build here even if the server could. */
  readonly isLocal: boolean
  readonly baseOf: BaseOf
}

export const buildSettings = ({ base, build }: BuildFlags): Effect.Effect<BuildSettings, UsageError> =>
  build === undefined || build === "local"
    ? Effect.map(basesOf(base, process.env), (baseOf) => ({ isLocal: build === "local", baseOf }))
    : new UsageError({
        message:
          build === "cluster" ? "sources can't be built in the cluster" : `--build "${build}" isn't a place to build`,
        fix: "use --build local, or leave it out: sources are built on this machine, or by a server that runs them itself"
      })
