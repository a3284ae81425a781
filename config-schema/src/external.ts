import { Schema } from "effect"
import { optional, required, typedAs } from "./field.ts"
import { AppName, ServiceName, StageName } from "./names.ts"

const isApp = Schema.is(AppName)
const isServiceName = Schema.is(ServiceName)

/** A service of another app, as `<app>/<service>`. */
const ExternalName = Schema.String.pipe(
  Schema.filter(
    (text) => {
      const [app, service, ...rest] = text.slice(0, 200).split("/")
      return isApp(app) && isServiceName(service) && rest.length === 0
        ? true
        : `${JSON.stringify(text.slice(0, 80))} isn't a service of another app. Use the names of the app and its service, such as "billing/api".`
    },
    {
      jsonSchema: { pattern: "^[a-z][-a-z0-9]{0,39}/[a-z][-a-z0-9]{0,56}$" },
      arbitrary: () => (fc) => fc.constantFrom("billing/api", "search/web")
    }
  )
)

/**
 * An address of a service of another app of the same organization, in the same stage unless it names one. That app must export the service. The
 * properties are those of a service of the same app; using `url` or `host` is a link.
 */
export const ExternalReference = Schema.Struct({
  external: required(ExternalName, "The app and the service: `billing/api`."),
  property: required(Schema.Literal("url", "host", "publicUrl"), "The kind of address."),
  stage: optional(StageName, "The other app's stage.", { default: "the same stage" })
}).annotations({ identifier: "ExternalReference", ...typedAs("ExternalAddress") })
export type ExternalReference = typeof ExternalReference.Type

/** A service of another app. */
export interface ExternalTarget {
  readonly app: AppName
  readonly stage: StageName
  readonly service: ServiceName
}

/** Resolves a reference in an app of `stage` to its service. */
export const targetOf = (reference: ExternalReference, stage: StageName): ExternalTarget => {
  const [app = "", service = ""] = reference.external.split("/")
  return { app: AppName.make(app), service: ServiceName.make(service), stage: reference.stage ?? stage }
}
