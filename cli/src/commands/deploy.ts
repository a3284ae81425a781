import { Effect, Stream } from "effect"
import { integer, optional, text, toggle } from "../args/flags.ts"
import { type BuildFlags, buildFlags, buildSettings } from "../build/buildFlags.ts"
import { appOf, connect, loadApp, refused, stageOf } from "../client.ts"
import { command, flags, type Globals, positionals } from "../command.ts"
import { buildSources } from "../deploy/buildSources.ts"
import { deployMetadata, metadataFlag } from "../deploy/deployMetadata.ts"
import { deployPlanFile } from "../deploy/deployPlanFile.ts"
import { follow, progressOf, tellOutcome } from "../deploy/follow.ts"
import { appOfImage, type ImageInput, imageFlagOf, imageFlags } from "../deploy/imageApp.ts"
import { outputsOf } from "../deploy/outputs.ts"
import { tellWarnings } from "../deploy/policies.ts"
import { tellSources } from "../deploy/sources.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { deployAll } from "../many/deployAll.ts"
import { type ManyInput, manyFlags, manyUsage } from "../many/loadMany.ts"
import type { Terminal } from "../output/terminal.ts"

interface DeployInput extends ManyInput, ImageInput, BuildFlags {
  readonly name: string | undefined
  readonly image: string | undefined
  readonly file: string | undefined
  readonly from: number | undefined
  readonly plan: string | undefined
}

interface Described {
  readonly message: string | undefined
  readonly metadata: ReadonlyArray<string>
}

/** `--name` describes the whole app, so it would remove the app's other services. */
const refuseOtherServices = (cloud: Effect.Effect.Success<ReturnType<typeof connect>>, app: string, input: Globals) =>
  Effect.gen(function* () {
    const stage = yield* stageOf(input)
    const services = yield* cloud.services.list({ stage })
    const others = services.filter(
      (service) => service.app === app && service.name !== app && (stage ?? "production") === service.stage
    )
    if (others.length === 0) return
    return yield* new CommandFailed({
      tag: "Conflict",
      exit: 6,
      message: `app "${app}" has other services (${others.map((other) => other.name).join(", ")}), and this would remove them`,
      fix: "choose another --name, or deploy the app from its config"
    })
  })

/** A plan already contains everything that these flags set. */
const besidePlan = (input: DeployInput): UsageError | undefined => {
  if (input.plan === undefined) return undefined
  const given: ReadonlyArray<readonly [string, unknown]> = [
    ["--all", input.all || undefined],
    ["--filter", input.filter[0]],
    ["--changed", input.changed],
    ["--file", input.file],
    ["--config", input.config],
    ["--stage", input.stage],
    ["--from", input.from],
    ["--name", input.name],
    ["--build", input.build],
    ["--base", input.base[0]],
    ["IMAGE", input.image]
  ]
  const flag = given.find(([, value]) => value !== undefined)?.[0] ?? imageFlagOf(input)
  return flag === undefined
    ? undefined
    : new UsageError({
        message: `${flag} and --plan can't be combined`,
        fix: `leave ${flag} out: the plan already says what to deploy, and where`
      })
}

/** The flag, if one says how to build sources. */
const buildFlagOf = ({ base, build }: BuildFlags) =>
  build === undefined ? (base.length === 0 ? undefined : "--base") : "--build"

const usage = (input: DeployInput): UsageError | undefined => {
  const beside = besidePlan(input)
  if (beside !== undefined) return beside
  const one = input.from === undefined ? undefined : String(input.from)
  const alone = {
    "--name": input.name,
    IMAGE: input.image,
    "--file": input.file,
    "--config": input.config,
    "--from": one
  }
  const given = Object.entries(alone).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  const many = manyUsage(input, given)
  if (many !== undefined) return many
  if (input.from !== undefined) {
    const given =
      input.image ?? imageFlagOf(input) ?? buildFlagOf(input) ?? (input.file === undefined ? undefined : "--file")
    return given === undefined
      ? undefined
      : new UsageError({ message: `${given} and --from can't be combined`, fix: "give one of them" })
  }
  if (input.name === undefined) {
    const given = input.image ?? imageFlagOf(input)
    return given === undefined
      ? undefined
      : new UsageError({
          message: `${given} works only with one image, so it needs --name`,
          fix: "run `maxcloud deploy --name NAME IMAGE`, or set it in the config"
        })
  }
  if (input.envFrom !== undefined && input.envFile !== undefined) {
    return new UsageError({ message: "--env-from and --env-file are the same", fix: "give one of them" })
  }
  const build = buildFlagOf(input)
  if (build !== undefined) {
    return new UsageError({
      message: `${build} is for sources, and --name deploys an image`,
      fix: `leave ${build} out`
    })
  }
  if (input.image === undefined) {
    return new UsageError({
      message: "--name needs an image",
      fix: `run \`maxcloud deploy --name ${input.name} IMAGE\``
    })
  }
  return input.file === undefined && input.config === undefined
    ? undefined
    : new UsageError({ message: "--name and --file can't be combined", fix: "give one of them" })
}

/** Deploys the app of an earlier deployment. Its code is from another commit than this folder, so this doesn't ask git. */
const deployEarlier = (
  input: DeployInput & { readonly detach: boolean; readonly waitTimeout: string | undefined } & Described,
  number: number,
  terminal: Terminal
) =>
  Effect.gen(function* () {
    const app = yield* appOf({ ...input, app: input.name })
    const stage = yield* stageOf(input)
    const metadata = yield* deployMetadata(undefined, input.metadata)
    const cloud = yield* connect(input)
    const deployment = yield* cloud.deployments.rollback(app, number, { stage, message: input.message, metadata })
    const progress = progressOf(deployment, cloud.deployments.events(deployment.id))
    tellOutcome(input.detach ? deployment : yield* follow(progress, input, terminal), input.detach, terminal)
  })

export default command({
  summary: "Deploy the app, or one image",
  examples: [
    { line: "maxcloud deploy", does: "Deploy the app that maxcloud.config.ts describes" },
    { line: "maxcloud deploy --stage preview-42", does: "Deploy another instance of it" },
    { line: "maxcloud deploy --all", does: "Deploy every app of the repository, dependencies first" },
    { line: "maxcloud deploy --all --changed origin/main", does: "Deploy only those that this branch changes" },
    { line: "maxcloud deploy -f app.yaml", does: "Deploy an app written as YAML or JSON" },
    { line: "maxcloud deploy --plan plan.json", does: "Deploy exactly what `maxcloud plan --out plan.json` planned" },
    { line: "maxcloud deploy --from 12", does: "Redeploy the app of deployment 12" },
    { line: "maxcloud deploy --message 'Larger carts'", does: "Record the reason, for `deployments list`" },
    { line: "maxcloud deploy --name myapp nginx:latest", does: "Deploy one image, without a config" },
    { line: "maxcloud deploy --name myapp nginx:latest --env GREETING=hello", does: "With environment variables" },
    {
      line: "maxcloud deploy --name myapp nginx:latest --env-from app.env",
      does: "With environment variables from a dotenv file"
    },
    {
      line: "maxcloud deploy --name myapp node:24 --command 'node /app.js' --memory 256Mi --cpu 0.5 --min 1 --max 3",
      does: "With a command, resource limits and scaling bounds"
    }
  ],
  notes: [
    "Ctrl-C stops watching, not the deployment: `maxcloud deployments cancel` cancels it. If the deployment fails, the command prints the reason (`maxcloud explain` has more), the evidence, the fix and the last log lines, and exits with 7.",
    "With --name, the command line is the whole config: settings of an earlier deploy that aren't repeated are removed. Links, probes and secrets need a config.",
    "A deployment records its commit, branch, repository and CI run, from git and from the variables of GitHub Actions, GitLab CI, Buildkite, CircleCI and Jenkins. Nothing else of your environment is sent.",
    "With --plan, the app, its sources, digests of images, versions of secrets and manifests are those of the plan. Only --message and --metadata may be added.",
    "With --all, up to 4 apps are deployed at a time. Apps that link to a failed one are skipped. The exit code is that of the first app that failed, and --json prints one result.",
    "A server on Kubernetes runs images only. Then the command builds an image of each source on this machine, without a container engine, and pushes it to the server's registry. Unchanged sources are neither built nor pushed again.",
    "Without --port, the service listens on a port that the image exposes, or on 8080. The program gets it as PORT."
  ],
  flags: flags({
    file: text("file", "FILE", { alias: "f", description: "Config to deploy, as --config" }),
    ...manyFlags,
    name: text("name", "NAME", { alias: "n", description: "Deploy IMAGE as a one-service app of this name" }),
    ...imageFlags,
    from: integer("from", "NUMBER", {
      description: "Redeploy the app of this earlier deployment, with its images and versions of secrets"
    }),
    plan: text("plan", "FILE", {
      description: "Deploy this plan from `plan --out`, or nothing: exit code 13 if something has changed since"
    }),
    message: text("message", "TEXT", { alias: "m", description: "Why you deploy, for the list of deployments" }),
    metadata: metadataFlag,
    ...buildFlags,
    forceConflicts: toggle("force-conflicts", {
      description: "Overwrite fields that another manager has set in the cluster, instead of failing"
    }),
    detach: toggle("detach", { alias: "d", description: "Don't wait: print the deployment's id" }),
    failFast: toggle("fail-fast", {
      description: "Exit with 8 as soon as waiting is pointless; the deployment continues until its deadline"
    }),
    waitTimeout: text("wait-timeout", "DURATION", {
      description: "Wait at most this long, then exit with 8 [no limit]"
    })
  }),
  positionals: positionals({ image: optional("IMAGE", "Image to deploy, with --name") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const wrong = usage(input)
      if (wrong !== undefined) return yield* wrong
      if (input.plan !== undefined) return yield* deployPlanFile(input, input.plan, terminal)
      if (input.all) return yield* deployAll(input, terminal)
      if (input.from !== undefined) return yield* deployEarlier(input, input.from, terminal)
      const settings = yield* buildSettings(input)
      const { image, name } = input
      const one = name === undefined || image === undefined ? undefined : yield* appOfImage(name, image, input)
      const loaded = one === undefined ? yield* loadApp(input, input.file ?? input.config) : undefined
      const given = one ?? loaded
      if (given === undefined) return yield* new CommandFailed({ tag: "NoApp", exit: 2, message: "nothing to deploy" })
      if (loaded !== undefined && !terminal.json) yield* tellWarnings(loaded, terminal)
      const cloud = yield* connect(input)
      const stage = yield* stageOf(input)
      const app = loaded === undefined ? given : yield* buildSources(cloud, loaded, settings, terminal)
      const deployed = cloud.deploy(app, {
        detach: input.detach,
        stage,
        forceConflicts: input.forceConflicts,
        message: input.message,
        metadata: yield* deployMetadata(loaded?.folder, input.metadata),
        onSources: tellSources(terminal)
      })
      const checked = one === undefined ? Effect.void : refuseOtherServices(cloud, one.app, input)
      const progress = Stream.unwrap(Effect.as(checked, deployed)).pipe(
        Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(loaded)(error)))
      )
      const deployment = yield* follow(progress, input, terminal)
      const outputs = input.detach ? undefined : yield* outputsOf(cloud, loaded)
      tellOutcome(deployment, input.detach, terminal, outputs)
    })
})
