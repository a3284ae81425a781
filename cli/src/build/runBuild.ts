import type { ImageBuildResult } from "@maxcloud/server"
import { Effect } from "effect"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"
import { buildCache } from "./buildCache.ts"
import type { ServiceSource } from "./serviceSource.ts"

const exits: Readonly<Record<"unavailable" | "invalid" | "build", ExitCode>> = { unavailable: 3, invalid: 2, build: 1 }

/** Runs it, and waits for it to clean up if it's interrupted. */
const untilEnd = (run: (signal: AbortSignal) => Promise<ImageBuildResult>) =>
  Effect.async<ImageBuildResult>((resume) => {
    const ending = new AbortController()
    const done = run(ending.signal)
    done.then(
      (result) => resume(Effect.succeed(result)),
      (cause) => resume(Effect.die(cause))
    )
    return Effect.promise(async () => {
      ending.abort()
      await done.catch(() => undefined)
    })
  })

/** The folder for dependencies, and for the unfinished files of builds. */
export const ownCache = () => buildCache(process.env, process.getuid?.() === 0)

export interface BuildRequest {
  readonly source: ServiceSource
  readonly base: string | undefined
  readonly output: { readonly folder: string; readonly tag: string }
  readonly onLine: (line: string) => void
}

/** Builds an image into an OCI layout, on this machine. */
export const runBuild = ({
  base,
  onLine,
  output,
  source
}: BuildRequest): Effect.Effect<Extract<ImageBuildResult, { readonly ok: true }>, CommandFailed> =>
  Effect.gen(function* () {
    const { buildImage } = yield* Effect.promise(() => import("@maxcloud/server"))
    const result = yield* untilEnd((signal) =>
      buildImage({ ...source, base, output, cache: ownCache(), environment: process.env, onLine, signal })
    )
    if (result.ok) return result
    return yield* new CommandFailed({ tag: "BuildFailed", exit: exits[result.reason], message: result.message })
  })
