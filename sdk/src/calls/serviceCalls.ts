import { productionStage } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  CreateService,
  type Deployment,
  InvalidRequest,
  NotFound,
  type Revision,
  type Service,
  type ServiceId
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type InApp, parseApp, parsed, parseOptions, parseService, parseStage } from "../parse.ts"
import type { Calling } from "./Calling.ts"

export interface ServiceFilter {
  readonly app?: string | undefined
  readonly stage?: string | undefined
  readonly name?: string | undefined
}

export const serviceCalls = ({ api, call }: Calling) => {
  const list = ({ app, name, stage }: ServiceFilter = {}): Effect.Effect<ReadonlyArray<Service>, CallError> =>
    Effect.gen(function* () {
      const urlParams = {
        app: app === undefined ? undefined : yield* parseApp(app),
        stage: stage === undefined ? undefined : yield* parseStage(stage),
        name: name === undefined ? undefined : yield* parseService(name)
      }
      return (yield* call(api.services.list({ urlParams }))).services
    })

  const find = Effect.fn("MaxCloud.services.get")(function* (written: string, options?: InApp) {
    // A list filters only by what is given: a name that isn't there would mean any service.
    const name = yield* parseService(written)
    const { app, stage: given } = yield* parseOptions<InApp>(options, { app: true, stage: true })
    const stage = yield* parseStage(given ?? productionStage)
    const [service, ...others] = yield* list({ app, name, stage })
    if (service === undefined) {
      const where = app === undefined ? "" : ` of app "${app}"`
      const detail = `there is no service "${name}"${where} in stage "${stage}": \`maxcloud list\` shows what there is`
      return yield* new NotFound({ resource: "service", name, detail })
    }
    if (others.length === 0) return service
    const apps = [service, ...others].map((each) => each.app)
    const detail = `Several apps have a service "${name}" in stage "${stage}": ${apps.join(", ")}. Name the app, such as \`--app ${apps[0]}\` or \`{ app: "${apps[0]}" }\`.`
    return yield* new InvalidRequest({ detail, errors: [{ parameter: "app", in: "query", code: "missing", detail }] })
  })

  /** The API knows services by their ids. */
  const withId = <A>(
    name: string,
    options: InApp | undefined,
    use: (path: { readonly id: ServiceId }) => Effect.Effect<A, CallError>
  ) => Effect.flatMap(find(name, options), ({ id }) => use({ id }))

  return {
    list: (filter?: ServiceFilter): Effect.Effect<ReadonlyArray<Service>, CallError> => list(filter),

    get: (name: string, options?: InApp): Effect.Effect<Service, CallError> => find(name, options),

    /** An app of this one service, in the stage `production`. */
    create: (service: typeof CreateService.Encoded): Effect.Effect<Service, CallError> =>
      parsed(CreateService, service, (payload) => call(api.services.create({ payload }))),

    delete: (name: string, options?: InApp): Effect.Effect<Deployment, CallError> =>
      withId(name, options, (path) => call(api.services.delete({ path }))),

    revisions: (name: string, options?: InApp): Effect.Effect<ReadonlyArray<Revision>, CallError> =>
      withId(name, options, (path) => Effect.map(call(api.services.revisions({ path })), (found) => found.revisions)),

    /** Ends its instances; requests are answered 503 until it is resumed, over deployments too. */
    pause: (name: string, options?: InApp): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.pause({ path }))),

    resume: (name: string, options?: InApp): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.resume({ path })))
  }
}
