import { productionStage } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  CreateService,
  type Deployment,
  InvalidRequest,
  NotFound,
  RevisionList,
  type Service,
  type ServiceId,
  ServiceList,
  type ServiceState
} from "../api/index.ts"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import { type InApp, parseDeployment, parsed, parseOptions, parseService, parseStage } from "../input/parse.ts"
import type { Calling } from "./Calling.ts"
import { linkTarget } from "./linkTarget.ts"
import { listing, pageRequest } from "./listing.ts"

export interface ServiceFilter {
  readonly app?: string | undefined
  readonly stage?: string | undefined
  readonly name?: string | undefined
  readonly state?: ServiceState | undefined
  /** @default "name" */
  readonly sort?: (typeof ServiceList.parameters.Type)["sort"]
}

export const serviceCalls = ({ api, call }: Calling) => {
  const list = listing(ServiceList)((page, filter?: ServiceFilter) =>
    Effect.flatMap(pageRequest(ServiceList, filter, page), (urlParams) =>
      call(api.services.list({ urlParams, withResponse: true }))
    )
  )

  const find = Effect.fn("MaxCloud.services.get")(function* (written: string, options?: InApp) {
    // A list filters only by given values, so a missing name would mean any service.
    const name = yield* parseService(written)
    const { app, stage: given } = yield* parseOptions<InApp>(options, { app: "text", stage: "text" })
    const stage = yield* parseStage(given ?? productionStage)
    const [service, ...others] = (yield* list.page({}, { app, name, stage })).items
    if (service === undefined) {
      const where = app === undefined ? "" : ` of app "${app}"`
      const detail = `there is no service "${name}"${where} in stage "${stage}": \`maxcloud list\` lists the services`
      return yield* new NotFound({ resource: "service", resourceName: name, detail })
    }
    if (others.length === 0) return service
    const apps = [service, ...others].map((each) => each.app)
    const detail = `Several apps have a service "${name}" in stage "${stage}": ${apps.join(", ")}. Name the app, such as \`--app ${apps[0]}\` or \`{ app: "${apps[0]}" }\`.`
    return yield* new InvalidRequest({ detail, errors: [{ parameter: "app", in: "query", code: "missing", detail }] })
  })

  /** The API identifies services by their ids. */
  const withId = <A>(
    name: string,
    options: InApp | undefined,
    use: (path: { readonly id: ServiceId }) => Effect.Effect<A, CallError>
  ) => Effect.flatMap(find(name, options), ({ id }) => use({ id }))

  return {
    list,

    get: (name: string, options?: InApp): Effect.Effect<Service, CallError> => find(name, options),

    /** Creates an app with this one service, in the stage `production`. */
    create: (service: typeof CreateService.Encoded): Effect.Effect<Service, CallError> =>
      parsed(CreateService, service, (payload) => call(api.services.create({ payload }))),

    /** The service is gone when this returns. The deployment stops its instances. */
    delete: (name: string, options?: InApp): Effect.Effect<Deployment, CallError> =>
      withId(name, options, (path) =>
        Effect.gen(function* () {
          const [, { headers, request, status }] = yield* call(api.services.delete({ path, withResponse: true }))
          const deployment = linkTarget(headers["link"], "monitor")?.split("/").at(-1)
          if (deployment === undefined) {
            return yield* new UnexpectedAnswer({ url: request.url, status, detail: "no Link names the deployment" })
          }
          return yield* Effect.flatMap(parseDeployment(deployment), (id) => call(api.deployments.get({ path: { id } })))
        })
      ),

    /** Newest first. */
    revisions: listing(RevisionList)((page, name: string, options?: InApp) =>
      withId(name, options, (path) =>
        Effect.flatMap(pageRequest(RevisionList, page), (urlParams) =>
          call(api.services.revisions({ path, urlParams, withResponse: true }))
        )
      )
    ),

    /** Stops its instances. Requests get 503 until it is resumed, even across deployments. */
    pause: (name: string, options?: InApp): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.pause({ path }))),

    resume: (name: string, options?: InApp): Effect.Effect<Service, CallError> =>
      withId(name, options, (path) => call(api.services.resume({ path })))
  }
}
