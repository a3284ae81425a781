import { readFile } from "node:fs/promises"
import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { Effect, Stream } from "effect"
import { connect, loadApp, loadSchemas, parseServiceName, refused, stageOf } from "../client.ts"
import { command, flags, type Globals, positionals } from "../command.ts"
import { decodeText } from "../decodeText.ts"
import { parseDotenv } from "../dotenv.ts"
import { CommandFailed, UsageError } from "../failure.ts"
import { integer, optional, text, texts, toggle } from "../flags.ts"
import { follow, tellOutcome } from "../follow.ts"
import { tellSources } from "../sources.ts"

interface ImageInput extends Globals {
  readonly name: string | undefined
  readonly image: string | undefined
  readonly env: ReadonlyArray<string>
  readonly envFrom: string | undefined
  readonly envFile: string | undefined
  readonly port: number | undefined
  readonly file: string | undefined
}

const parseEnv = (written: string): Effect.Effect<readonly [string, string], UsageError> => {
  const at = written.indexOf("=")
  return at > 0
    ? Effect.succeed([written.slice(0, at), written.slice(at + 1)])
    : new UsageError({ message: `"${written}" is no environment variable`, fix: "write it as --env NAME=value" })
}

const readEnvFile = (file: string) =>
  Effect.tryPromise({
    try: () => readFile(file),
    catch: (error) =>
      new UsageError({
        message: `the env file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        fix: "name a file of NAME=value lines"
      })
  }).pipe(
    Effect.flatMap((bytes) => decodeText(bytes, file)),
    Effect.zip(loadSchemas),
    Effect.flatMap(([written, { bounds }]) =>
      parseDotenv(written, file, {
        what: "variable",
        most: bounds.envVariables,
        nameLength: bounds.envNameLength,
        valueLength: bounds.envValueLength
      })
    ),
    Effect.map((variables) => variables.map(({ name, value }) => [name, value] as const))
  )

/** The app of one service that the command line describes. */
const appOfImage = (name: string, image: string, input: ImageInput) =>
  Effect.gen(function* () {
    const service = yield* parseServiceName(name)
    const file = input.envFrom ?? input.envFile
    const fromFile = file === undefined ? [] : yield* readEnvFile(file)
    const env = Object.fromEntries([...fromFile, ...(yield* Effect.forEach(input.env, parseEnv))])
    const spec: AppSpecEncoded = {
      app: service,
      services: [{ name: service, image, env, port: input.port ?? "auto" }]
    }
    return spec
  })

/** A deploy of one image says all of its app: where that has other services, they would go. */
const refuseOtherServices = (
  cloud: Effect.Effect.Success<ReturnType<typeof connect>>,
  app: string,
  input: ImageInput
) =>
  Effect.gen(function* () {
    const stage = yield* stageOf(input)
    const services = yield* cloud.services.list({ stage })
    const others = services.filter((_) => _.app === app && _.name !== app && (stage ?? "production") === _.stage)
    if (others.length === 0) return
    return yield* new CommandFailed({
      tag: "Conflict",
      exit: 6,
      message: `app "${app}" has other services too (${others.map((_) => _.name).join(", ")}), which this would remove`,
      fix: "choose another --name, or deploy the app from its config"
    })
  })

const usage = (input: ImageInput): UsageError | undefined => {
  if (input.name === undefined) {
    const given = [
      [input.image, input.image],
      [input.env[0], "--env"],
      [input.envFrom, "--env-from"],
      [input.envFile, "--env-file"],
      [input.port, "--port"]
    ].find(([value]) => value !== undefined)?.[1]
    return given === undefined
      ? undefined
      : new UsageError({
          message: `${given} is for one image: it needs a name`,
          fix: "write `maxcloud deploy --name NAME IMAGE`, or put it into the config"
        })
  }
  if (input.envFrom !== undefined && input.envFile !== undefined) {
    return new UsageError({ message: "--env-from and --env-file are the same", fix: "give one of them" })
  }
  if (input.image === undefined) {
    return new UsageError({
      message: "--name needs an image",
      fix: `write \`maxcloud deploy --name ${input.name} IMAGE\``
    })
  }
  return input.file === undefined && input.config === undefined
    ? undefined
    : new UsageError({ message: "--name deploys an image, not a config", fix: "give one of them" })
}

export default command({
  examples: [
    { line: "maxcloud deploy", does: "the app that maxcloud.config.ts describes" },
    { line: "maxcloud deploy --stage preview-42", does: "another instance of it" },
    { line: "maxcloud deploy -f app.yaml", does: "an app written as YAML or JSON" },
    { line: "maxcloud deploy --name myapp nginx:latest", does: "one image, without a config" },
    { line: "maxcloud deploy --name myapp nginx:latest --env GREETING=hello", does: "with an environment" },
    { line: "maxcloud deploy --name myapp nginx:latest --env-from app.env", does: "with one from a dotenv file" }
  ],
  notes: [
    "Ctrl-C stops watching, not the deployment. A failed one prints the reason (`maxcloud explain` tells more), what shows it, the fix and the last log lines, exit code 7.",
    "With --name the command line says all: what an earlier deploy gave (an env, a port) and this one does not is removed.",
    "Without --port it is the port that the image exposes, else 8080; the program is told it by PORT."
  ],
  flags: flags({
    file: text("file", "FILE", { alias: "f", description: "Config to deploy, as --config" }),
    name: text("name", "NAME", { alias: "n", description: "Deploy IMAGE as an app of this one service" }),
    env: texts("env", "NAME=VALUE", { alias: "e", description: "Environment of IMAGE" }),
    envFrom: text("env-from", "FILE", {
      description: "Environment of IMAGE from a dotenv file, as `secrets import` reads it"
    }),
    envFile: text("env-file", "FILE", {
      description: "The same. Node reads such a file too: NODE_OPTIONS in it apply to maxcloud itself"
    }),
    port: integer("port", "PORT", {
      alias: "p",
      description: "Port that IMAGE listens on [the one that it exposes, else 8080]"
    }),
    forceConflicts: toggle("force-conflicts", {
      description: "Take fields that another manager has set in the cluster: else such a conflict fails the deployment"
    }),
    detach: toggle("detach", { alias: "d", description: "Do not wait: print the deployment's id" }),
    failFast: toggle("fail-fast", {
      description:
        "Exit with 8 once something was found that waiting won't mend; the deployment goes on until its deadline"
    }),
    waitTimeout: text("wait-timeout", "DURATION", {
      description: "Wait this long at most, then exit with 8 [no limit]"
    })
  }),
  positionals: positionals({ image: optional("IMAGE", "Image to deploy, with --name") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const wrong = usage(input)
      if (wrong !== undefined) return yield* wrong
      const { image, name } = input
      const one = name === undefined || image === undefined ? undefined : yield* appOfImage(name, image, input)
      const loaded = one === undefined ? yield* loadApp(input, input.file ?? input.config) : undefined
      const app = one ?? loaded
      if (app === undefined)
        return yield* new CommandFailed({ tag: "NoApp", exit: 2, message: "there is nothing to deploy" })
      const cloud = yield* connect(input)
      if (one !== undefined) yield* refuseOtherServices(cloud, one.app, input)
      const stage = yield* stageOf(input)
      const progress = cloud
        .deploy(app, {
          detach: input.detach,
          stage,
          forceConflicts: input.forceConflicts,
          onSources: tellSources(terminal)
        })
        .pipe(Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(loaded)(error))))
      tellOutcome(yield* follow(progress, input, terminal), input.detach, terminal)
    })
})
