import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import type { DeploymentUnsuccessful } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { integer, readFileFlag, text, toggle } from "../args/flags.ts"
import { connect, connectWith, loadSchemas, loadSdk, stageOf, writtenOrganization, writtenStage } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { addressedTerminal } from "../dev/addressed.ts"
import { makeDevScripts } from "../dev/devScripts.ts"
import { makeEnvFiles } from "../dev/envFiles.ts"
import { followOrSay } from "../dev/followFiles.ts"
import { localServer, portOf } from "../dev/localServer.ts"
import { makeServiceLogs } from "../dev/serviceLogs.ts"
import { deployOnce, type Session, showServices, told } from "../dev/session.ts"

/** The facts about the server that `dev` gives a config. */
const ownServer = { organization: "local", runtime: "local" } as const

export default command({
  summary: "Run the app locally and watch its files",
  offline: true,
  examples: [
    { line: "maxcloud dev", does: "Run the server, deploy on save and print logs, in one terminal" },
    { line: "maxcloud dev --port 9000", does: "Use another port" },
    { line: "maxcloud dev --no-watch", does: "Deploy snapshots once, and follow the logs" }
  ],
  notes: [
    "The stage is `dev` unless --stage or MAXCLOUD_STAGE says otherwise. Sources run in place, from their folders.",
    "A source with a `dev` script in its package.json runs with it and reloads by itself. `command` in the config takes precedence.",
    "Ctrl-C stops everything. Data is kept, so that the next start is fast.",
    "`.env` and `.env.local` beside the config and in a source's folder are for services that run in place; the config's `env` takes precedence.",
    "With --api-url, dev uses that server instead of starting one, and doesn't read `.env`."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    file: readFileFlag,
    port: integer("port", "PORT", {
      alias: "p",
      description: "Port of the API and the services' URLs, 0 for a free one (MAXCLOUD_PORT) [8080]"
    }),
    dataDir: text("data-dir", "FOLDER", { description: "Data folder [.maxcloud beside the config]" }),
    noWatch: toggle("no-watch", { description: "Deploy once, don't watch the files" }),
    noDevScript: toggle("no-dev-script", {
      description: "Start sources as a deploy would, not with their `dev` script"
    })
  }),
  positionals: noPositionals,
  run: (input, terminal, all) =>
    Effect.gen(function* () {
      const { findConfig, loadConfig, serverFacts } = yield* loadSdk
      const named = input.file ?? input.config
      const file = named === undefined ? yield* findConfig(process.cwd()) : resolve(named)
      const folder = dirname(file)
      const { apiUrl } = input
      const server =
        apiUrl === undefined
          ? Effect.succeed(ownServer)
          : serverFacts(Effect.flatMap(connect({ ...input, apiUrl }), (cloud) => cloud.info))
      const read = loadConfig({ file, stage: writtenStage(input) ?? "dev" }, server)
      const first = yield* Effect.either(read)
      if (Either.isLeft(first) && (input.noWatch || !existsSync(file))) return yield* first.left

      if (input.apiUrl === undefined && !terminal.json) terminal.say("starting the server …")
      const dataDir = resolve(input.dataDir ?? join(folder, ".maxcloud"))
      const port = yield* portOf(input.port)
      const envFiles = makeEnvFiles({ folder, shell: process.env })
      const { environment } = envFiles
      const { lost, url } =
        input.apiUrl === undefined
          ? yield* localServer({ port, dataDir, inPlace: !input.noWatch, environment })
          : { url: input.apiUrl, lost: Effect.never }
      yield* Effect.addFinalizer(() => Effect.sync(() => terminal.say("stopping …")))
      if (terminal.json) terminal.printJson({ url }, "line")
      else terminal.say(`max-cloud is at ${terminal.paintError("cyan", url)}, data in ${dataDir}`)

      const cloud = yield* input.apiUrl === undefined ? connectWith({ apiUrl: url, org: "-" }, "") : connect(input)
      const { productionStage, StageName } = yield* loadSchemas
      const stage = Either.isRight(first) ? first.right.stage : ((yield* stageOf(input)) ?? StageName.make("dev"))
      const address = {
        apiUrl: url,
        organization: input.apiUrl === undefined ? undefined : writtenOrganization(input),
        stage: stage === productionStage ? undefined : stage,
        commands: new Set(all.filter((each) => !each.offline).map((each) => each.name))
      }
      // Append progress lines instead of updating them in place, because log lines come in between.
      const appending = addressedTerminal({ ...terminal, interactive: false }, address)
      if (Either.isLeft(first)) {
        yield* told(Effect.fail(first.left), appending)
        terminal.say("waiting for you to fix the config")
      }
      const logs = makeServiceLogs(cloud, stage, terminal, address)
      const inPlace = !input.noWatch && (yield* cloud.info).inPlace
      const hasEnvFiles = input.apiUrl === undefined && inPlace
      const session: Session = {
        cloud,
        logs,
        read,
        folder,
        dataDir,
        terminal: appending,
        inPlace,
        devScripts: makeDevScripts(inPlace && !input.noDevScript),
        envFiles: hasEnvFiles ? envFiles : undefined
      }
      if (!input.noWatch) return yield* Effect.raceFirst(followOrSay(session, Either.getOrUndefined(first)), lost)
      if (Either.isRight(first)) {
        // Some of the services may be running, so keep the server.
        const goOn = (error: DeploymentUnsuccessful) =>
          Effect.zipRight(told(Effect.fail(error), appending), showServices(cloud, first.right, appending))
        yield* deployOnce(session, first.right).pipe(
          Effect.catchTags({ DeploymentFailed: goOn, DeploymentSuperseded: goOn, DeploymentCancelled: goOn })
        )
      }
      return yield* lost
    }).pipe(Effect.scoped)
})
