import {
  type AppSpec,
  type Config,
  type ConfigContext,
  encodeAppSpec,
  evaluateConfig,
  type GitState,
  isConfig,
  OrganizationName,
  productionStage,
  StageName
} from "@maxcloud/config-schema"
import { Effect, Either } from "effect"
import { InvalidRequest } from "../api/errors.ts"
import { assumedFacts } from "../config/configFacts.ts"
import { contextOptions, parseContext } from "../config/contextOptions.ts"
import { type LoadedConfig, loadConfig } from "../config/loadConfig.ts"
import { placesInModule } from "../config/modulePlaces.ts"
import { type ConfigFindings, parseJudged } from "../config/policies.ts"
import { ConfigInvalid } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { parseOptions, parseStage } from "../input/parse.ts"
import { inSpec, specIssueOf } from "../pointers.ts"
import { never, run } from "../promises.ts"
import { manifestsOf, type RenderedConfig, renderedConfig } from "./RenderedConfig.ts"

export interface RenderOptions {
  /** The config's file, relative to `folder`. Errors then contain its lines. @default `maxcloud.config.*` in `folder` or the nearest folder above */
  readonly file?: string
  /** Instead of a file, the result of `defineConfig`. Errors then contain lines of the executed code, which a test runner may have rewritten. */
  readonly config?: Config
  /** @default the process's own */
  readonly folder?: string
  /** @default "production" */
  readonly stage?: string
  /** The organization in the config's context and in the manifests' namespace. @default "local" */
  readonly organization?: string
  /** The runtime in the config's context. @default "kubernetes" */
  readonly runtime?: ConfigContext["runtime"]
  /** The git state in the config's context. Doesn't read the repository's own, because it differs between commits. @default none */
  readonly git?: GitState
}

interface Checked {
  readonly file: string
  readonly spec: AppSpec
  readonly policies: ConfigFindings
  readonly locate: LoadedConfig["locate"]
}

const checkedObject = async (config: Config, context: ConfigContext): Promise<Checked> => {
  const evaluated = await evaluateConfig(config, context)
  const file = evaluated.locations.find((each) => each !== undefined)?.file ?? ""
  const locate: Checked["locate"] = (problems) =>
    placesInModule(file, evaluated.spec, evaluated.locations, problems.map(specIssueOf))
  const parsed = parseJudged(evaluated, StageName.make(context.stage))
  if (Either.isLeft(parsed)) throw new ConfigInvalid({ file, issues: await locate(inSpec(parsed.left)) })
  const { asked, findings, spec } = parsed.right
  const answers = asked === undefined ? [] : await evaluated.askOwn(asked)
  return { file, spec, policies: findings(answers), locate }
}

const loadSynth = () =>
  import("@maxcloud/synth").catch((cause: unknown) => {
    throw new Error(
      "Couldn't find the package @maxcloud/synth, which creates the manifests. Install it: npm i -D @maxcloud/synth",
      { cause }
    )
  })

const renderOptions: OptionKinds<RenderOptions> = { ...contextOptions, file: "text", config: "any", folder: "text" }

const parseRender = Effect.fn(function* (given: RenderOptions | undefined) {
  const options = yield* parseOptions<RenderOptions>(given, renderOptions)
  const { config, file } = options
  if (config !== undefined && file !== undefined) {
    const detail = "Both `file` and `config` say what to render. Leave one out."
    return yield* new InvalidRequest({ detail, errors: [] })
  }
  if (config !== undefined && !isConfig(config)) {
    const detail = "`config` isn't a config. Pass the result of `defineConfig`, or a path as `file`."
    return yield* new InvalidRequest({ detail, errors: [] })
  }
  const {
    organization = OrganizationName.make(assumedFacts.organization),
    runtime = assumedFacts.runtime,
    git
  } = yield* parseContext(options)
  const stage = yield* parseStage(options.stage ?? productionStage)
  return { config, file, folder: options.folder, stage, organization, runtime, git: git ?? ("none" as const) }
})

/**
 * Renders the app that a config deploys to a stage, without a server. Throws the `ConfigInvalid` that `maxcloud config check` reports, with file
 * and line, also if the app breaks one of its policies. Throws `InvalidRequest` for an unknown option. Doesn't read sources: their images have
 * the tag `unbuilt`.
 */
export const renderConfig = async (options?: RenderOptions): Promise<RenderedConfig> => {
  const { config, file, folder, git, organization, runtime, stage } = await run(parseRender(options), never)
  const checked =
    config === undefined
      ? await run(loadConfig({ file, folder, stage, organization, runtime, git }), never)
      : await checkedObject(config, { stage, organization, runtime, git: git === "none" ? undefined : git })
  const { hostProblems, knativeProblems, offlineTenant, synth, synthNamespace, toYaml } = await loadSynth()
  const { spec } = checked
  const tenant = offlineTenant(spec, {
    organization,
    stage
  })
  const { policies } = checked
  const problems = [...inSpec([...hostProblems(spec, tenant), ...knativeProblems(spec)]), ...policies.problems]
  if (problems.length > 0) throw new ConfigInvalid({ file: checked.file, issues: await checked.locate(problems) })
  return renderedConfig(
    encodeAppSpec(spec),
    stage,
    manifestsOf([...synthNamespace(tenant), ...synth(spec, tenant)], toYaml),
    await checked.locate(policies.warnings)
  )
}
