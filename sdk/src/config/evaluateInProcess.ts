import { evaluateConfig, type SpecIssue, type StageName } from "@maxcloud/config-schema"
import type { Config } from "@maxcloud/config-schema/authoring"
import { Effect, Either } from "effect"
import { ConfigInvalid, type ConfigIssue } from "../errors.ts"
import { specIssueOf } from "../pointers.ts"
import type { ServerFacts } from "./configFacts.ts"
import { gitStateOf } from "./gitState.ts"
import { readablePath } from "./issuePath.ts"
import type { LoadedConfig } from "./loadConfig.ts"
import { parseJudged } from "./policies.ts"

/** The result of `defineConfig` in this process, evaluated for a stage. It has no file. */
export const evaluateInProcess = <E>(config: Config, stage: StageName, server: Effect.Effect<ServerFacts, E>) => {
  const file = ""
  return Effect.gen(function* () {
    const facts = yield* server
    const git = yield* Effect.promise(() => gitStateOf(process.cwd()))
    const evaluated = yield* Effect.tryPromise({
      try: () => evaluateConfig(config, { stage, ...facts, git }),
      catch: (error) =>
        new ConfigInvalid({
          file,
          issues: [{ path: "", message: error instanceof Error ? error.message : String(error), file }]
        })
    })
    const locate = async (issues: ReadonlyArray<SpecIssue>) =>
      issues.map(({ message, path }): ConfigIssue => ({ path: readablePath(evaluated.spec, path), message, file }))
    const parsed = parseJudged(evaluated, stage)
    if (Either.isLeft(parsed)) {
      return yield* new ConfigInvalid({ file, issues: yield* Effect.promise(() => locate(parsed.left)) })
    }
    const { asked, findings, spec } = parsed.right
    const answers = asked === undefined ? [] : yield* Effect.promise(() => evaluated.askOwn(asked))
    const folder = process.cwd()
    return {
      file,
      folder,
      stage,
      spec,
      policies: findings(answers),
      files: [],
      assumed: [],
      charts: [],
      locate: (problems) => locate(problems.map(specIssueOf))
    } satisfies LoadedConfig
  })
}
