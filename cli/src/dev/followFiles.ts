import { basename, relative } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { loadTools } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"
import type { Held } from "./brake.ts"
import { makeChanges } from "./changes.ts"
import { namesScripts } from "./devScripts.ts"
import { sourceFolders } from "./inPlace.ts"
import { makeReloader } from "./reloader.ts"
import { type ChangedSecret, makeSecretChanges } from "./secretChanges.ts"
import { type Session, told } from "./session.ts"
import { makeWatcher } from "./watch.ts"

/** Names the file that caused a loop, and how to break it. */
const sayHeld = (held: ReadonlyArray<Held>, folder: string, terminal: Terminal) => {
  for (const { file, milliseconds, redeployments } of held) {
    const seconds = Math.max(1, Math.round(milliseconds / 1000))
    terminal.say(
      `${relative(folder, file)} caused ${redeployments} redeployments in ${seconds} s, so the app seems to write it. ` +
        "Changes to it no longer redeploy. Add it to .gitignore, or write it outside the source folder."
    )
  }
}

const saySecrets = (changed: ReadonlyArray<ChangedSecret>, terminal: Terminal) => {
  for (const { name, services } of changed)
    terminal.say(
      `secret ${name} was set: ${services.join(", ")} ${services.length === 1 ? "restarts" : "restart"} with it`
    )
}

/** The config as first read, and the changes that follow. Ends with the reason if the files can't be watched. */
const followFiles = (session: Session, first: LoadedConfig | undefined) =>
  Effect.gen(function* () {
    const { cloud, envFiles, folder, terminal } = session
    const watcher = yield* makeWatcher(session.dataDir)
    const changes = makeChanges(yield* loadTools)
    const secrets = makeSecretChanges(cloud)
    const { begin, current, hasFailed, reload, reloads, restart } = yield* makeReloader(session, secrets, first)

    const watchAll = Effect.suspend(() => {
      const now = current()
      return watcher.watch([folder, ...(now === undefined ? [] : sourceFolders(now).values())], now?.files)
    })
    yield* watchAll
    yield* begin
    const followSecrets = Effect.gen(function* () {
      saySecrets(yield* secrets.next(current), terminal)
      yield* restart
    })
    yield* Effect.forkScoped(Effect.forever(followSecrets))
    for (;;) {
      const batch = yield* watcher.next
      const now = current()
      const { config, held, sources } = yield* Effect.promise(() => changes.of(batch, folder, now, reloads))
      sayHeld(held, folder, terminal)
      const environment = now !== undefined && [...batch].some((value) => envFiles?.isOne(value, now) === true)
      const script = [...sources].some((source) => hasFailed() || namesScripts(basename(source)))
      if (!config && !environment && !script) continue
      yield* reload(sources)
      yield* watchAll
    }
  })

const isWatchFailed = (error: unknown): error is CommandFailed =>
  error instanceof CommandFailed && error.tag === "WatchFailed"

/** Deploys when the config or a source changes. If the config is invalid, reports that and leaves the services running. */
export const followOrSay = (session: Session, first: LoadedConfig | undefined) =>
  followFiles(session, first).pipe(
    // The user still needs the running services, so keep them without watching the files.
    Effect.catchIf(isWatchFailed, (error) =>
      Effect.gen(function* () {
        if (first === undefined) return yield* error
        yield* told(Effect.fail(error), session.terminal)
        session.terminal.say("the services keep running, but changes to files are no longer deployed")
        return yield* Effect.never
      })
    )
  )
