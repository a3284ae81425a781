import type { AppName, StageName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { optional, toggle, waitTimeoutFlag, yesFlag } from "../args/flags.ts"
import { appOf, connect, stageOf } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { follow, progressOf, tellOutcome } from "../deploy/follow.ts"
import { confirmByName, refuseUnasked } from "../input/prompt.ts"

/** Such as `2 secrets (API_KEY, DATABASE_URL)`; undefined if there are none. */
const counted = (names: ReadonlyArray<string>, what: string) =>
  names.length === 0 ? undefined : `${names.length} ${what}${names.length === 1 ? "" : "s"} (${names.join(", ")})`

/** The names of a stage's services and secrets, as far as this credential can list them. */
const contentsOf = (
  cloud: Effect.Effect.Success<ReturnType<typeof connect>>,
  app: AppName,
  stage: StageName | undefined
) => {
  const names = <E>(list: Effect.Effect<ReadonlyArray<{ readonly name: string }>, E>) =>
    list.pipe(
      Effect.map((found) => found.map((each) => each.name)),
      Effect.catchAll(() => Effect.succeed([]))
    )
  return Effect.all(
    {
      services: names(cloud.services.list({ app, stage: stage ?? "production" })),
      secrets: names(cloud.secrets.list(app, { stage }))
    },
    { concurrency: "unbounded" }
  )
}

export default command({
  summary: "Remove the whole app of a stage",
  examples: [
    { line: "maxcloud destroy", does: "Remove the app that maxcloud.config.ts describes, after asking" },
    { line: "maxcloud destroy shop --stage preview-42 --yes", does: "Remove a preview, without asking" }
  ],
  notes: [
    "This removes all services and secrets of the app in this stage. Other stages stay. Without a terminal, add --yes.",
    "The values of the secrets can't be restored. `maxcloud secrets list` shows their names."
  ],
  flags: flags({
    yes: yesFlag,
    detach: toggle("detach", { alias: "d", description: "Don't wait until it's gone" }),
    waitTimeout: waitTimeoutFlag
  }),
  positionals: positionals({ app: optional("APP", "The app [the config's]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const app = yield* appOf(input)
      const stage = yield* stageOf(input)
      yield* refuseUnasked(input, `all of ${app} (${stage ?? "production"}) will be removed`, terminal)
      const cloud = yield* connect(input)
      const { services, secrets } = yield* contentsOf(cloud, app, stage)
      const all = [counted(services, "service"), counted(secrets, "secret")].filter((each) => each !== undefined)
      const what = all.length === 0 ? "all" : all.join(" and ")
      yield* confirmByName(input, app, `${what} of ${app} (${stage ?? "production"}) will be removed`, terminal)
      const deployment = yield* cloud.apps.destroy(app, { stage })
      if (input.detach) return tellOutcome(deployment, true, terminal)
      const finished = yield* follow(progressOf(deployment, cloud.deployments.events(deployment.id)), input, terminal)
      if (terminal.json) terminal.printJson({ deployment: finished, secrets }, "line")
      else {
        const its = counted(secrets, "secret")
        terminal.say(`${app} (${deployment.stage}) is removed${its === undefined ? "" : `, with ${its}`}`)
      }
    })
})
