import { Effect } from "effect"
import { CreateService, type Deployment, NotFound, type Revision, type Service, type ServiceId } from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { type InStage, parseApp, parsed, parseService, parseStage, stageOf } from "../parse.ts"
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

  const find = Effect.fn("MaxCloud.services.get")(function* (written: string, options?: InStage) {
    // A list filters only by what is given: a name that isn't there would mean any service.
    const name = yield* parseService(written)
    const stage = yield* stageOf(options)
    const [service] = yield* list({ name, stage })
    if (service !== undefined) return service
    const detail = `there is no service "${name}" in stage "${stage}": \`maxcloud list\` shows what there is`
    return yield* new NotFound({ resource: "service", name, detail })
  })

  /** The API knows services by their ids. */
  const withId = <A>(
    name: string,
    options: InStage | undefined,
    use: (path: { readonly id: ServiceId }) => Effect.Effect<A, CallError>
  ) => Effect.flatMap(find(name, options), ({ id }) => use({ id }))

  return {
    list: (filter?: ServiceFilter): Effect.Effect<ReadonlyArray<Service>, CallError> => list(filter),

    get: (name: string, options?: InStage): Effect.Effect<Service, CallError> => find(name, options),

    /** An app of this one service, in the stage `production`. */
    create: (service: typeof CreateService.Encoded): Effect.Effect<Service, CallError> =>
      parsed(CreateService, service, (payload) => call(api.services.create({ payload }))),

    delete: (name: string, options?: InStage): Effect.Effect<Deployment, CallError> =>
      withId(name, options, (path) => call(api.services.delete({ path }))),

    revisions: (name: string, options?: InStage): Effect.Effect<ReadonlyArray<Revision>, CallError> =>
      withId(name, options, (path) => Effect.map(call(api.services.revisions({ path })), (found) => found.revisions)),

    /** Ends its instances; requests are answered 503 until it is resumed, over deployments too. */
    pause: (name: string, options?: InStage): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.pause({ path }))),

    resume: (name: string, options?: InStage): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.resume({ path })))
  }
}
