import type { Plan } from "@maxcloud/sdk/api"
import type { LoadedConfig, SourceReport } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { readFileFlag, text, toggle } from "../args/flags.ts"
import { type BuildFlags, type BuildSettings, buildFlags, buildSettings } from "../build/buildFlags.ts"
import { type Cloud, connect, loadApp, locatedLines, refused } from "../client.ts"
import { command, flags, type Globals, noPositionals } from "../command.ts"
import { buildSources } from "../deploy/buildSources.ts"
import { buildLines } from "../deploy/builds.ts"
import { deployMetadata, metadataFlag } from "../deploy/deployMetadata.ts"
import { tellUploading } from "../deploy/follow.ts"
import { plannedImages } from "../deploy/plannedImages.ts"
import { tellSources } from "../deploy/sources.ts"
import { ExitWith } from "../errors/failure.ts"
import { manyFlags, manyUsage } from "../many/loadMany.ts"
import { planAll } from "../many/planAll.ts"
import type { Terminal } from "../output/terminal.ts"
import { isChanging } from "../plans/isChanging.ts"
import { checkPlace, writePlanFile } from "../plans/planFiles.ts"
import { changesTo, planLines, printManifests } from "../plans/planLines.ts"

interface Input extends Globals, BuildFlags {
  readonly manifests: boolean
  readonly metadata: ReadonlyArray<string>
  readonly out: string | undefined
}

/** Plans the app. With --out, the plan that is shown is the one in the file, so nothing can change in between. */
const planApp = (cloud: Cloud, config: LoadedConfig, input: Input, settings: BuildSettings, terminal: Terminal) =>
  Effect.gen(function* () {
    // The file of --out names images by their digests, so they must exist. The only document of --json is the plan.
    const loaded =
      input.out === undefined
        ? config
        : yield* buildSources(cloud, config, settings, { ...terminal, printJson: () => {} })
    let sources: ReadonlyArray<SourceReport> = []
    const onSources = (reports: ReadonlyArray<SourceReport>) => {
      if (sources.length === 0) tellSources(terminal)(reports)
      sources = reports
    }
    const metadata = yield* deployMetadata(loaded.folder, input.metadata)
    if (input.out !== undefined) {
      const prepared = yield* Effect.either(
        cloud.preparePlan(loaded, {
          onSources,
          metadata,
          onProgress: (told) => {
            if (told._tag === "uploading" && !terminal.json) tellUploading(told, terminal)
          }
        })
      )
      if (Either.isRight(prepared)) {
        yield* writePlanFile(input.out, prepared.right)
        return { plan: prepared.right.plan, sources, wanted: undefined, refused: undefined }
      }
      const { left } = prepared
      if (left._tag !== "InvalidSpec" && left._tag !== "ConfigInvalid") return yield* Effect.fail(left)
      // Show it as `plan` shows problems.
      const plan = yield* cloud.plan(loaded, { onSources, metadata })
      return { plan, sources, wanted: undefined, refused: left }
    }
    const { app, settled, wanted } = yield* plannedImages(cloud, loaded, settings)
    if (wanted !== undefined) onSources(wanted.sources)
    const plan = settled(yield* cloud.plan(app, { onSources, manifests: input.manifests, metadata }))
    return { plan, sources: wanted?.sources ?? sources, wanted, refused: undefined }
  }).pipe(Effect.catchTag("InvalidSpec", refused(config)))

/** Prints how to deploy the plan in a file. */
const tellFile = ({ basedOn }: Plan, file: string, terminal: Terminal) => {
  const base = basedOn === null ? "before the first deployment" : `based on deployment ${basedOn}`
  terminal.say(`wrote the plan to ${file}, ${base}: \`maxcloud deploy --plan ${file}\` deploys exactly this`)
}

const tellFindings = (loaded: LoadedConfig, { problems, warnings }: Plan, terminal: Terminal) =>
  Effect.gen(function* () {
    if (terminal.json) return
    for (const line of yield* locatedLines(loaded, warnings)) {
      terminal.say(`${terminal.paintError("yellow", "warning:")} ${line}`)
    }
    for (const line of yield* locatedLines(loaded, problems)) {
      terminal.say(`${terminal.paintError(["red", "bold"], "problem:")} ${line}`)
    }
  })

export default command({
  summary: "Show what a deploy would change",
  examples: [
    { line: "maxcloud plan", does: "Show what `maxcloud deploy` would change" },
    { line: "maxcloud plan --stage preview-42 --json", does: "For another stage, as JSON" },
    { line: "maxcloud plan --all", does: "For every app of the repository" },
    { line: "maxcloud plan --out plan.json", does: "Write it to a file, for `maxcloud deploy --plan plan.json`" },
    { line: "maxcloud plan --manifests", does: "Show the objects that a deploy would apply, as YAML" },
    { line: "maxcloud plan --exit-code", does: "Exit with 10 if a deploy would change something" }
  ],
  notes: [
    "Values of secrets are never shown, only name and version. Plain values of `env` are shown, and written to the file of --out, which only you can read.",
    "--out uploads the sources, or builds and pushes their images if the server runs images only, and replaces an earlier plan. `deploy --plan` refuses the plan (exit code 13) once something else was deployed, or a secret, an image's digest or a setting of the server has changed.",
    "With --manifests, the changes are on stderr."
  ],
  flags: flags({
    file: readFileFlag,
    ...manyFlags,
    out: text("out", "FILE", { alias: "o", description: "Write the plan to this file, for `deploy --plan`" }),
    manifests: toggle("manifests", { description: "Print the manifests that a deploy would apply" }),
    metadata: metadataFlag,
    ...buildFlags,
    exitCode: toggle("exit-code", {
      description: "Exit with 10 if there are changes, or if the last deployment failed"
    })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const config = [input.file, input.config].some((each) => each !== undefined) ? ["--file"] : []
      const wrong = manyUsage(input, [...config, ...(input.out === undefined ? [] : ["--out"])])
      if (wrong !== undefined) return yield* wrong
      const settings = yield* buildSettings(input)
      const shown = changesTo(input.manifests, terminal)
      const show = (plan: Plan) =>
        Effect.gen(function* () {
          for (const line of planLines(plan, shown)) shown.print(line)
          if (input.manifests) yield* printManifests(plan, terminal)
        })
      if (input.all) return yield* planAll(input, settings, terminal, show)
      if (input.out !== undefined) yield* checkPlace(input.out)
      const loaded = yield* loadApp(input, input.file ?? input.config)
      const cloud = yield* connect(input)
      const { plan, refused, sources, wanted } = yield* planApp(cloud, loaded, input, settings, terminal)
      if (terminal.json) terminal.printJson(input.manifests ? plan : { ...plan, manifests: null })
      else {
        yield* show(plan)
        const changed = plan.changes.filter((change) => change.action === "create" || change.action === "update")
        for (const line of yield* buildLines(loaded, sources, new Set(changed.map((each) => each.service)), wanted))
          shown.print(line)
      }
      yield* tellFindings(loaded, plan, terminal)
      if (plan.problems.length > 0) return yield* new ExitWith({ exit: 2 })
      if (refused !== undefined) return yield* refused
      if (input.out !== undefined && !terminal.json) tellFile(plan, input.out, terminal)
      if (isChanging(plan)) {
        return input.exitCode ? yield* new ExitWith({ exit: 10 }) : undefined
      }
      // Diff against the last deployed config. If that deployment failed, older instances may still be running.
      const [last] = (yield* cloud.deployments.list.page({ limit: 1 }, plan.app, { stage: loaded.stage })).items
      if (last?.status.state !== "failed") return
      if (!terminal.json) {
        terminal.say(
          `${terminal.paintError("yellow", "warning:")} deployment ${last.number} failed, so something older than this config may be running. Retry with \`maxcloud deploy\`; \`maxcloud deployments wait ${last.id}\` shows the reason.`
        )
      }
      if (input.exitCode) return yield* new ExitWith({ exit: 10 })
    })
})
