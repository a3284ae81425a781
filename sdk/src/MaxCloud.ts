import { type AppName, type AppSpecEncoded, SecretName, type StageName } from "@maxcloud/config-schema"
import { Chunk, Context, Effect, Either, Layer, Redacted, Schema, type Scope, Stream } from "effect"
import {
  type AppStage,
  CreateService,
  type Deployment,
  DeploymentEvent,
  type DeploymentId,
  type DriftRecord,
  ImportSecrets,
  LogEntry,
  type NetworkReport,
  NotFound,
  type Plan,
  type ReadinessCheck,
  RegistryHost,
  type RegistryInfo,
  type Revision,
  RollbackSecret,
  type SecretInfo,
  type SecretVersionInfo,
  type Service,
  type UsageParameters,
  type UsageReport
} from "./api/index.ts"
import { type AuthCalls, makeAuthCalls } from "./authCalls.ts"
import { type ConnectionOptions, makeConnection } from "./connection.ts"
import { type DeployError, type DeployOptions, type DeployProgress, makeDeploy, type PlanError } from "./deploy.ts"
import { type CallError, UnexpectedAnswer } from "./errors.ts"
import { type ExecOptions, type ExecSession, makeExec } from "./exec.ts"
import type { LoadedConfig } from "./loadConfig.ts"
import {
  type AccountCalls,
  type AuditCalls,
  type ErasureCalls,
  makeAccountCalls,
  makeAuditCalls,
  makeErasureCalls,
  makeOrganizationCalls,
  type OrganizationCalls
} from "./organizationCalls.ts"
import {
  type InStage,
  parse,
  parseApp,
  parseAppStage,
  parseDeployment,
  parseService,
  parseStage,
  stageOf
} from "./parse.ts"
import { makeRestart, type RestartOptions, type RestartProgress } from "./restart.ts"
import { subscribe } from "./subscription.ts"

/** What runs where. */
export interface ServerInfo {
  readonly version: string
  /** `local`, `kubernetes`, or one that a newer server has. */
  readonly runtime: string
  readonly organization: string
  /** May services run in place from a folder (`maxcloud dev`)? */
  readonly inPlace: boolean
}

export interface LogOptions {
  /** Goes on with what is written from now. @default false */
  readonly follow?: boolean | undefined
  /** RFC 3339, or a duration before now such as `10m`. */
  readonly since?: string | undefined
  readonly revision?: string | undefined
  /** How many of the last lines to begin with. @default 100; all where `since` is given */
  readonly tail?: number | undefined
  /** Goes on after the entry with this cursor. */
  readonly after?: string | undefined
}

/** What can be deployed: a config that has been loaded, or an AppSpec as plain data. */
export type Deployable = LoadedConfig | AppSpecEncoded

/** A max-cloud server, as an Effect service. Every call may fail with `CallError`; a name or id that can't be one fails with `InvalidRequest`. */
export class MaxCloud extends Context.Tag("@maxcloud/sdk/MaxCloud")<
  MaxCloud,
  {
    readonly apiUrl: string
    readonly info: Effect.Effect<ServerInfo, CallError>
    readonly health: Effect.Effect<void, CallError>
    /** Can the server do all of its work? What can't be is in `checks`, never a failure. */
    readonly readiness: Effect.Effect<ReadonlyArray<ReadinessCheck>, CallError>
    /** What a deploy would change. Sources are read for their digest; nothing is sent but the AppSpec. */
    readonly plan: (app: Deployable, options?: DeployOptions) => Effect.Effect<Plan, PlanError>
    /**
     * Uploads the sources that the server lacks, deploys, and tells what happens until it is finished, whatever its outcome is:
     * look at `finished.deployment.state`. Ending the stream early leaves the deployment to go on.
     */
    readonly deploy: (app: Deployable, options?: DeployOptions) => Stream.Stream<DeployProgress, DeployError>
    /** The events of a deployment from its first, or after `lastEventId`, until it is finished. */
    readonly events: (
      id: string,
      options?: { readonly lastEventId?: string | undefined }
    ) => Stream.Stream<DeploymentEvent, CallError>
    /** The deployment, once it is finished. */
    readonly waitFor: (id: string) => Effect.Effect<Deployment, CallError>
    /** The lines that a service's instances wrote. */
    readonly logs: (service: string, options?: LogOptions & InStage) => Stream.Stream<LogEntry, CallError>
    readonly services: {
      readonly list: (filter?: {
        readonly app?: string | undefined
        readonly stage?: string | undefined
        readonly name?: string | undefined
      }) => Effect.Effect<ReadonlyArray<Service>, CallError>
      readonly get: (name: string, options?: InStage) => Effect.Effect<Service, CallError>
      readonly create: (service: typeof CreateService.Encoded) => Effect.Effect<Service, CallError>
      readonly delete: (name: string, options?: InStage) => Effect.Effect<Deployment, CallError>
      readonly revisions: (name: string, options?: InStage) => Effect.Effect<ReadonlyArray<Revision>, CallError>
      /** Ends its instances; requests are answered 503 until it is resumed, over deployments too. */
      readonly pause: (name: string, options?: InStage) => Effect.Effect<Service, CallError>
      readonly resume: (name: string, options?: InStage) => Effect.Effect<Service, CallError>
      /** Runs a program in one of its instances, with its environment. A service at zero may be started for it. */
      readonly exec: (
        name: string,
        command: ReadonlyArray<string>,
        options: ExecOptions & InStage
      ) => Effect.Effect<ExecSession, CallError, Scope.Scope>
      /**
       * Replaces its instances by new ones of the same program, and tells how that goes on until it is finished, whatever its outcome
       * is: look at `finished.service`. Ending the stream early leaves the restart to go on.
       */
      readonly restart: (name: string, options?: RestartOptions & InStage) => Stream.Stream<RestartProgress, CallError>
    }
    readonly secrets: {
      readonly list: (app: string, options?: InStage) => Effect.Effect<ReadonlyArray<SecretInfo>, CallError>
      readonly set: (
        app: string,
        name: string,
        value: Redacted.Redacted<string>,
        options?: InStage
      ) => Effect.Effect<SecretInfo, CallError>
      readonly unset: (app: string, name: string, options?: InStage) => Effect.Effect<void, CallError>
      /** Adds a version of each, all or none. */
      readonly import: (
        app: string,
        secrets: ReadonlyArray<{ readonly name: string; readonly value: Redacted.Redacted<string> }>,
        options?: InStage
      ) => Effect.Effect<ReadonlyArray<SecretInfo>, CallError>
      /** Those that are still kept, newest first. */
      readonly versions: (
        app: string,
        name: string,
        options?: InStage
      ) => Effect.Effect<ReadonlyArray<SecretVersionInfo>, CallError>
      /** Makes the value of an earlier version the newest one, as a version of its own. */
      readonly rollback: (
        app: string,
        name: string,
        version: number,
        options?: InStage
      ) => Effect.Effect<SecretInfo, CallError>
    }
    readonly apps: Effect.Effect<ReadonlyArray<AppStage>, CallError>
    readonly deployments: {
      readonly get: (id: string) => Effect.Effect<Deployment, CallError>
      readonly list: (app: string, options?: InStage) => Effect.Effect<ReadonlyArray<Deployment>, CallError>
    }
    /** Removes an app's stage with all of its services. */
    readonly destroy: (app: string, options?: InStage) => Effect.Effect<Deployment, CallError>
    /** What others did to the app's objects in the cluster, newest first. */
    readonly drift: (app: string, options?: InStage) => Effect.Effect<ReadonlyArray<DriftRecord>, CallError>
    /** Probes from real pods what the network lets through, against what the config says. */
    readonly verifyNetwork: (app: string, options?: InStage) => Effect.Effect<NetworkReport, CallError>
    /** What the organization's instances have reserved. */
    readonly usage: (range?: UsageParameters) => Effect.Effect<UsageReport, CallError>
    /** Credentials for registries, by host; passwords are never told. */
    readonly registries: {
      readonly list: Effect.Effect<ReadonlyArray<RegistryInfo>, CallError>
      readonly login: (
        host: string,
        username: string,
        password: Redacted.Redacted<string>
      ) => Effect.Effect<RegistryInfo, CallError>
      readonly logout: (host: string) => Effect.Effect<void, CallError>
    }
    readonly auth: AuthCalls
    readonly organization: OrganizationCalls
    readonly account: AccountCalls
    readonly audit: AuditCalls
    readonly erasures: ErasureCalls
  }
>() {
  static readonly layer = (options: ConnectionOptions = {}): Layer.Layer<MaxCloud> =>
    Layer.effect(MaxCloud, makeMaxCloud(options))
}

const decodeEvent = Schema.decodeUnknownEither(Schema.parseJson(DeploymentEvent))
const decodeEntry = Schema.decodeUnknownEither(Schema.parseJson(LogEntry))

const parseCreate = parse(CreateService)
const parseImport = parse(ImportSecrets)
const parseRegistry = parse(RegistryHost)
const parseRollback = parse(RollbackSecret)
const parseSecret = parse(SecretName)

/** The service for a server at `options.apiUrl`. */
export const makeMaxCloud = (options: ConnectionOptions = {}): Effect.Effect<Context.Tag.Service<typeof MaxCloud>> =>
  Effect.gen(function* () {
    const connection = makeConnection(options)
    const { apiUrl, call } = connection
    const api = yield* connection.api
    const anonymous = yield* connection.anonymousApi
    const unreadable = (path: string, detail: string) => () =>
      new UnexpectedAnswer({ url: `${apiUrl}${path}`, status: 200, detail })

    const listServices: Context.Tag.Service<typeof MaxCloud>["services"]["list"] = ({ app, name, stage } = {}) =>
      Effect.gen(function* () {
        const urlParams = {
          app: app === undefined ? undefined : yield* parseApp(app),
          stage: stage === undefined ? undefined : yield* parseStage(stage),
          name: name === undefined ? undefined : yield* parseService(name)
        }
        return (yield* call(api.services.list({ urlParams }))).services
      })

    const inApp = <A>(
      app: string,
      options: InStage | undefined,
      use: (path: { readonly app: AppName; readonly stage: StageName }) => Effect.Effect<A, CallError>
    ) => Effect.flatMap(parseAppStage(app, options), use)

    const ofSecret = <A>(
      app: string,
      name: string,
      options: InStage | undefined,
      use: (path: {
        readonly app: AppName
        readonly stage: StageName
        readonly name: SecretName
      }) => Effect.Effect<A, CallError>
    ) => inApp(app, options, (path) => Effect.flatMap(parseSecret(name), (name) => use({ ...path, name })))

    const find = Effect.fn("MaxCloud.services.get")(function* (name: string, options?: InStage) {
      const stage = yield* stageOf(options)
      const [service] = yield* listServices({ name, stage })
      if (service !== undefined) return service
      const detail = `there is no service "${name}" in stage "${stage}": \`maxcloud list\` shows what there is`
      return yield* new NotFound({ resource: "service", name, detail })
    })

    const eventsOf = (id: DeploymentId, lastEventId: string | undefined) => {
      const path = `/api/v1/deployments/${id}/events`
      return subscribe(connection, { path, lastEventId, endsWithConnection: false }).pipe(
        Stream.mapEffect((_) => decodeEvent(_.data).pipe(Either.mapLeft((error) => unreadable(path, error.message)()))),
        Stream.takeUntil((_) => _.type === "finished")
      )
    }

    const events = (written: string, options: { readonly lastEventId?: string | undefined } = {}) =>
      Stream.unwrap(Effect.map(parseDeployment(written), (id) => eventsOf(id, options.lastEventId)))

    const waitFor = Effect.fn("MaxCloud.waitFor")(function* (written: string) {
      const id = yield* parseDeployment(written)
      yield* Stream.runDrain(eventsOf(id, undefined))
      return yield* call(api.deployments.get({ path: { id } }))
    })

    const logs = (name: string, options: LogOptions & InStage = {}) =>
      Stream.unwrap(
        Effect.map(find(name, options), ({ id }) => {
          const path = `/api/v1/services/${id}/logs`
          const query = (resuming: boolean) => {
            const tail = resuming ? undefined : options.tail
            const { follow, revision, since } = options
            const parameters = new URLSearchParams()
            for (const [key, value] of Object.entries({ follow, since, revision, tail })) {
              if (value !== undefined) parameters.set(key, String(value))
            }
            return parameters
          }
          const follow = options.follow === true
          let begun = false
          return subscribe(connection, { path, query, lastEventId: options.after, endsWithConnection: !follow }).pipe(
            Stream.filter((_) => _.event === "log"),
            Stream.mapChunksEffect((events) => {
              begun = begun || events.length > 0
              return Either.mapLeft(Either.all(Chunk.map(events, (_) => decodeEntry(_.data))), (error) =>
                unreadable(path, error.message)()
              ).pipe(Either.map(Chunk.unsafeFromArray))
            }),
            // Deleted while it was followed: that is the end of what there is to read.
            Stream.catchTag("NotFound", (error) => (begun ? Stream.empty : Stream.fail(error)))
          )
        })
      )

    const restart = makeRestart(connection, api)
    const exec = makeExec(connection)

    return MaxCloud.of({
      apiUrl,
      info: call(api.info.get({})),
      health: call(api.healthz({})).pipe(Effect.asVoid),
      readiness: call(api.readyz({})).pipe(
        Effect.map((_) => _.checks),
        Effect.catchTag("NotReady", (_) => Effect.succeed(_.checks))
      ),
      ...makeDeploy(connection, api, events),
      events,
      waitFor,
      logs,
      services: {
        list: listServices,
        get: find,
        create: (service) => Effect.flatMap(parseCreate(service), (payload) => call(api.services.create({ payload }))),
        delete: (name, options) =>
          find(name, options).pipe(Effect.flatMap(({ id }) => call(api.services.delete({ path: { id } })))),
        revisions: (name, options) =>
          find(name, options).pipe(
            Effect.flatMap(({ id }) => call(api.services.revisions({ path: { id } }))),
            Effect.map((_) => _.revisions)
          ),
        pause: (name, options) =>
          find(name, options).pipe(Effect.flatMap(({ id }) => call(api.services.pause({ path: { id } })))),
        resume: (name, options) =>
          find(name, options).pipe(Effect.flatMap(({ id }) => call(api.services.resume({ path: { id } })))),
        exec: (name, command, options) => exec(find(name, options), command, options),
        restart: (name, options = {}) => restart(find(name, options), options)
      },
      secrets: {
        list: (app, options) =>
          inApp(app, options, (path) => Effect.map(call(api.apps.secrets({ path })), (_) => _.secrets)),
        set: (app, name, value, options) =>
          ofSecret(app, name, options, (path) => call(api.apps.setSecret({ path, payload: { value } }))),
        unset: (app, name, options) => ofSecret(app, name, options, (path) => call(api.apps.unsetSecret({ path }))),
        import: (app, secrets, options) =>
          inApp(app, options, (path) =>
            Effect.flatMap(
              parseImport({ secrets: secrets.map(({ name, value }) => ({ name, value: Redacted.value(value) })) }),
              (payload) => Effect.map(call(api.apps.importSecrets({ path, payload })), (_) => _.secrets)
            )
          ),
        versions: (app, name, options) =>
          ofSecret(app, name, options, (path) =>
            Effect.map(call(api.apps.secretVersions({ path })), (_) => _.versions)
          ),
        rollback: (app, name, version, options) =>
          ofSecret(app, name, options, (path) =>
            Effect.flatMap(parseRollback({ version }), (payload) => call(api.apps.rollbackSecret({ path, payload })))
          )
      },
      apps: call(api.apps.list({})).pipe(Effect.map((_) => _.apps)),
      deployments: {
        get: (id) => Effect.flatMap(parseDeployment(id), (id) => call(api.deployments.get({ path: { id } }))),
        list: (app, options) =>
          inApp(app, options, (path) => Effect.map(call(api.apps.deployments({ path })), (_) => _.deployments))
      },
      destroy: (app, options) => inApp(app, options, (path) => call(api.apps.destroy({ path }))),
      drift: (app, options) =>
        inApp(app, options, (path) => Effect.map(call(api.apps.drift({ path })), (_) => _.drift)),
      verifyNetwork: (app, options) => inApp(app, options, (path) => call(api.apps.verifyNetwork({ path }))),
      usage: (range = {}) => call(api.usage.read({ urlParams: range })),
      registries: {
        list: call(api.registries.list({})).pipe(Effect.map((_) => _.registries)),
        login: (host, username, password) =>
          Effect.flatMap(parseRegistry(host), (host) =>
            call(api.registries.login({ path: { host }, payload: { username, password } }))
          ),
        logout: (host) => Effect.flatMap(parseRegistry(host), (host) => call(api.registries.logout({ path: { host } })))
      },
      auth: makeAuthCalls(connection, api, anonymous),
      organization: makeOrganizationCalls(connection, api),
      account: makeAccountCalls(connection, api),
      audit: makeAuditCalls(connection, api),
      erasures: makeErasureCalls(connection, anonymous)
    })
  })
