import { AppName, SecretName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { admins, readers } from "./endpoint.ts"
import { ApiKeyId, DeploymentId, ServiceId, UserId, WebhookId } from "./ids.ts"
import { Role } from "./roles.ts"
import { Time } from "./time.ts"

/** All facts about a kind of event. The API, the check of recorded events, and `docs/reference/events.md` read it. */
interface EventKind<A, I> {
  readonly description: string
  /** Who may read it. Webhooks belong to admins, whose role may read every kind. */
  readonly roles: ReadonlyArray<Role>
  /**
   * Can services cause many of them, without anybody's action? Webhooks get such a type only if they name it in full, and the server
   * deletes it after a few days. @default no
   */
  readonly frequent?: boolean
  /** Names and facts. Never a secret's value, a token, a person's address or a program's output. */
  readonly data: Schema.Schema<A, I>
  /** The resource: its collection and its id or name. */
  readonly example: { readonly subject: string; readonly data: A }
}

export const kind = <A, I>(row: EventKind<A, I>) => {
  const isData: (data: unknown) => boolean = Schema.is(Schema.typeSchema(row.data))
  return { ...row, isData }
}

export const place = { app: AppName, stage: StageName }
export const examplePlace = { app: AppName.make("shop"), stage: StageName.make("production") }

export const ofDeployment = (description: string, reason: string) => {
  const deployment = DeploymentId.make("dep_0198f3d29c7b7a4e9f35d1a0c2b4e6f8")
  return kind({
    description,
    roles: readers,
    data: Schema.Struct({ ...place, deployment: DeploymentId, number: Schema.Int, reason: Schema.String }),
    example: { subject: `deployments/${deployment}`, data: { ...examplePlace, deployment, number: 7, reason } }
  })
}

export const ofService = (description: string) => {
  const service = ServiceId.make("svc_0198f3d29c7b7f10b2c3d4e5f6a7b8c9")
  return kind({
    description,
    roles: readers,
    data: Schema.Struct({ ...place, service: ServiceId, name: ServiceName }),
    example: { subject: `services/${service}`, data: { ...examplePlace, service, name: ServiceName.make("web") } }
  })
}

export const ofSuspension = (description: string) =>
  kind({
    description,
    roles: readers,
    data: Schema.Struct({ ...place, until: Time }),
    example: {
      subject: "apps/shop/stages/production",
      data: { ...examplePlace, until: "2026-11-24T13:00:00.000Z" }
    }
  })

const exampleService = ServiceId.make("svc_0198f3d29c7b7f10b2c3d4e5f6a7b8c9")
const named = { ...place, service: ServiceId, name: ServiceName }
const exampleNamed = { ...examplePlace, service: exampleService, name: ServiceName.make("web") }
export const Count = Schema.Int.pipe(Schema.nonNegative())

/** What the runtime observed of a service. */
export const observed = <A, I>(description: string, Facts: Schema.Schema<A, I>, facts: A) =>
  kind({
    description,
    roles: readers,
    frequent: true,
    data: Schema.extend(Schema.Struct(named), Facts),
    example: { subject: `services/${exampleService}`, data: { ...exampleNamed, ...facts } }
  })

export const Instance = { revision: Schema.String, instance: Schema.String }
export const exampleInstance = { revision: "web-00003", instance: "web-00003-deployment-6d4cf56db6-x2x7k" }

/** What others did to an app's objects. `name` is null if the object belongs to no single service. */
export const ofDrift = (description: string, what: "edited" | "deleted") =>
  kind({
    description,
    roles: readers,
    data: Schema.Struct({
      ...place,
      name: Schema.NullOr(ServiceName),
      objectKind: Schema.String,
      object: Schema.String,
      change: Schema.Literal("edited", "deleted"),
      manager: Schema.NullOr(Schema.String),
      count: Count
    }),
    example: {
      subject: "apps/shop/stages/production/drift",
      data: {
        ...examplePlace,
        name: ServiceName.make("web"),
        objectKind: "Service",
        object: "web",
        change: what,
        manager: "kubectl-edit",
        count: 1
      }
    }
  })

export const ofSecret = (description: string, version: number | null) => {
  const name = SecretName.make("DATABASE_URL")
  return kind({
    description,
    roles: readers,
    data: Schema.Struct({ ...place, name: SecretName, version: Schema.NullOr(Schema.Int) }),
    example: { subject: `apps/shop/stages/production/secrets/${name}`, data: { ...examplePlace, name, version } }
  })
}

export const ofMember = (description: string, role: Role | null) => {
  const userId = UserId.make("usr_0198f3d29c7b7a01b2c3d4e5f6a7b8c9")
  return kind({
    description,
    roles: readers,
    data: Schema.Struct({ userId: UserId, role: Schema.NullOr(Role) }),
    example: { subject: `members/${userId}`, data: { userId, role } }
  })
}

export const ofKey = (description: string, replacedBy: string | null) => {
  const apiKey = ApiKeyId.make("key_0198f3d29c7b7e55b2c3d4e5f6a7b8c9")
  const successor = replacedBy === null ? null : ApiKeyId.make(replacedBy)
  return kind({
    description,
    roles: admins,
    data: Schema.Struct({ apiKey: ApiKeyId, role: Role, replacedBy: Schema.NullOr(ApiKeyId) }),
    example: { subject: `api-keys/${apiKey}`, data: { apiKey, role: "deployer" as const, replacedBy: successor } }
  })
}

export const exampleWebhook = WebhookId.make("whk_0198f3d29c7b7b77b2c3d4e5f6a7b8c9")

export const Amount = Schema.Struct({ quota: Schema.String, used: Schema.Int, limit: Schema.Int })
