import type { AppName, StageName } from "@maxcloud/config-schema"
import {
  ApiKeyList,
  AppStageList,
  AuditList,
  DeploymentList,
  DriftList,
  InviteList,
  MemberList,
  OidcTrustList,
  type Page,
  RevisionList,
  type ServiceId,
  ServiceList
} from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Organization } from "../src/base/words/Organization.ts"
import { Deployments } from "../src/control/deployments/Deployments.ts"
import type { ServiceFilter } from "../src/control/deployments/records/serviceRows.ts"
import { DriftLog } from "../src/control/drift/DriftLog.ts"
import { Services } from "../src/control/services/Services.ts"
import type { Caller } from "../src/tenancy/access/Caller.ts"
import { Audit } from "../src/tenancy/audit/Audit.ts"
import type { Chain } from "../src/tenancy/audit/chain.ts"
import { ApiKeys } from "../src/tenancy/identity/keys/ApiKeys.ts"
import { OidcTrusts } from "../src/tenancy/identity/keys/OidcTrusts.ts"
import { Invites, Members } from "../src/tenancy/identity/Members.ts"

/** Lists that fit on one page. */
const items = <A, E, R>(page: Effect.Effect<Page<A>, E, R>) => Effect.map(page, (found) => found.items)

export const listServices = (organization: Organization, filter: ServiceFilter = {}) =>
  items(
    Effect.flatMap(Services, (services) => services.page(organization, filter, ServiceList.pagingOf({ limit: 1000 })))
  )

export const listRevisions = (organization: Organization, id: ServiceId) =>
  items(Effect.flatMap(Services, (services) => services.revisions(organization, id, RevisionList.pagingOf({}))))

export const listDeployments = (organization: Organization, app: AppName, stage: StageName) =>
  items(
    Effect.flatMap(Deployments, (deployments) =>
      deployments.page({ organization, app, stage }, {}, DeploymentList.pagingOf({}))
    )
  )

export const listApps = (organization: Organization) =>
  items(Effect.flatMap(Deployments, (deployments) => deployments.apps(organization, {}, AppStageList.pagingOf({}))))

export const listDrift = (organization: Organization, app: AppName, stage: StageName) =>
  items(Effect.flatMap(DriftLog, (log) => log.page({ organization, app, stage }, {}, DriftList.pagingOf({}))))

export const listEntries = (chain: Chain, { limit }: { readonly limit: number }) =>
  items(Effect.flatMap(Audit, (audit) => audit.page(chain, {}, AuditList.pagingOf({ limit }))))

export const listMembers = (caller: Caller) =>
  items(Effect.flatMap(Members, (members) => members.page(caller, {}, MemberList.pagingOf({ sort: "joinedAt" }))))

export const listInvites = (caller: Caller) =>
  items(Effect.flatMap(Invites, (invites) => invites.page(caller, {}, InviteList.pagingOf({}))))

/** Oldest first. */
export const listKeys = (caller: Caller) =>
  items(Effect.flatMap(ApiKeys, (keys) => keys.page(caller, ApiKeyList.pagingOf({ sort: "createdAt" }))))

/** Oldest first. */
export const listTrusts = (caller: Caller) =>
  items(Effect.flatMap(OidcTrusts, (trusts) => trusts.page(caller, OidcTrustList.pagingOf({ sort: "createdAt" }))))
