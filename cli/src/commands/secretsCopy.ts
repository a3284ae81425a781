import { Effect } from "effect"
import { configAppFlag, text, words } from "../args/flags.ts"
import { appOf, connect, parseAppName } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"

/** Neither stage has a default, so that nobody copies to or from production by accident. */
const stageNamed = (flag: string, written: string | undefined): Effect.Effect<string, UsageError> =>
  written === undefined
    ? new UsageError({ message: `no --${flag} given`, fix: "name both stages: --from-stage dev --to-stage production" })
    : Effect.succeed(written)

export default command({
  summary: "Copy secrets to another stage or app",
  examples: [
    { line: "maxcloud secrets copy DATABASE_URL --from-stage dev --to-stage preview-42", does: "Copy one secret" },
    {
      line: "maxcloud secrets copy SMTP_URL SENTRY_DSN --from-app shop --to-app billing --from-stage production --to-stage production",
      does: "Copy two secrets to another app"
    }
  ],
  notes: [
    "All of them are copied, or none, as a new version of each. The values never leave the server. It takes effect at the next deploy.",
    "An API key with scopes must have deploy for both stages."
  ],
  flags: flags({
    app: configAppFlag,
    fromApp: text("from-app", "APP", { description: "The app that has them [--app]" }),
    toApp: text("to-app", "APP", { description: "The app that gets them [--app]" }),
    fromStage: text("from-stage", "STAGE", { description: "The stage that has them" }),
    toStage: text("to-stage", "STAGE", { description: "The stage that gets them" })
  }),
  positionals: positionals({ names: words("NAME", "The secrets") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const from = yield* stageNamed("from-stage", input.fromStage)
      const stage = yield* stageNamed("to-stage", input.toStage)
      const named = (app: string | undefined) => (app === undefined ? appOf(input) : parseAppName(app))
      const source = yield* named(input.fromApp)
      const app = yield* named(input.toApp)
      if (input.names.length === 0) {
        return yield* new UsageError({ message: "no secret named", fix: "add its name: maxcloud secrets copy NAME" })
      }
      const cloud = yield* connect(input)
      const copied = yield* cloud.secrets.copy(app, input.names, { app: source, stage: from }, { stage })
      if (terminal.json) return terminal.printJson({ secrets: copied })
      terminal.say(
        `copied from ${source} (${from}) to ${app} (${stage}): ${copied.map(({ name, version }) => `${name} as version ${version}`).join(", ")}; the next deploy uses them`
      )
    })
})
