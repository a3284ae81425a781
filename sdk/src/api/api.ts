import * as HttpApi from "@effect/platform/HttpApi"
import * as OpenApi from "@effect/platform/OpenApi"
import { wire } from "./errors.ts"
import { AccountGroup, ErasuresGroup } from "./groups/account.ts"
import { AppsGroup } from "./groups/apps.ts"
import { AuditGroup } from "./groups/audit.ts"
import { AuthGroup } from "./groups/auth.ts"
import { DeploymentsGroup } from "./groups/deployments.ts"
import { EventsGroup } from "./groups/events.ts"
import { HealthGroup, InfoGroup } from "./groups/health.ts"
import { OrganizationGroup } from "./groups/organization.ts"
import { PoliciesGroup } from "./groups/policies.ts"
import { RegistriesGroup } from "./groups/registries.ts"
import { RegistryKeysGroup, RegistryTokenGroup } from "./groups/registry.ts"
import { ServicesGroup } from "./groups/services.ts"
import { SignInGroup } from "./groups/signIn.ts"
import { SourcesGroup } from "./groups/sources.ts"
import { UsageGroup } from "./groups/usage.ts"
import { WebhooksGroup } from "./groups/webhooks.ts"

/** The contract. The server's handlers, the SDK's client and `/api/openapi.json` are derived from it. */
export class MaxCloudApi extends HttpApi.make("maxcloud")
  .add(HealthGroup)
  .add(InfoGroup)
  .add(ServicesGroup)
  .add(AppsGroup)
  .add(DeploymentsGroup)
  .add(SourcesGroup)
  .add(UsageGroup)
  .add(EventsGroup)
  .add(WebhooksGroup)
  .add(PoliciesGroup)
  .add(RegistriesGroup)
  .add(RegistryTokenGroup)
  .add(RegistryKeysGroup)
  .add(SignInGroup)
  .add(AuthGroup)
  .add(OrganizationGroup)
  .add(AccountGroup)
  .add(ErasuresGroup)
  .add(AuditGroup)
  .addError(wire.InvalidRequest)
  .addError(wire.RequestTimeout)
  .addError(wire.RequestHeaderFieldsTooLarge)
  .addError(wire.Unavailable)
  .addError(wire.InternalError)
  .annotateContext(
    OpenApi.annotations({
      title: "max-cloud API",
      version: "1",
      description:
        "Deploy services from an AppSpec, follow them, read their logs. Errors are problem documents (RFC 9457). This document has the short form of paths about an organization, which means the credential's own. The long form, `/api/v1/organizations/{org}/…`, is for sessions of people with several organizations. It has no `auth/` or `organization` before the rest, and `-` means the credential's own."
    })
  ) {}
