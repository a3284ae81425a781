import { isJson, type Json, mapParts, referred, referredIn, refTo } from "./json.ts"

/** Schemas whose position would give them a worse name. */
const names: Readonly<Record<string, string>> = {
  // The spec a deployment was accepted with: like its request, but open.
  DeploymentSpecSpec: "DeclaredApp",
  DeclaredAppExport: "DeclaredExport",
  DeclaredAppOutput: "DeclaredOutput",
  DeclaredServiceBuild: "DeclaredBuild",
  DeclaredServiceEnv: "DeclaredEnvValue",
  DeclaredEnvValueExternal: "DeclaredExternalReference",
  DeclaredEnvValueJoin: "DeclaredJoin",
  DeclaredEnvValueSecret: "DeclaredSecretReference",
  DeclaredEnvValueService: "DeclaredServiceReference",
  DeclaredJoinJoin: "DeclaredJoinPart",
  DeclaredServiceProbes: "DeclaredProbes",
  DeclaredProbesStartup: "DeclaredProbe",
  DeclaredServiceScale: "DeclaredScale",
  DeclaredServiceSource: "DeclaredSource",
  DeclaredSourceDev: "DeclaredSourceFolder",
  DeclaredServiceManifest: "DeclaredPatch",
  DeclaredPatchServiceFields: "DeclaredServicePatch",
  DeclaredPatchServiceAccountFields: "DeclaredServiceAccountPatch",
  DeclaredAppManifest: "DeclaredObject",
  DeclaredObjectConfigMapOrV1: "DeclaredConfigMap",
  DeclaredObjectPodDisruptionBudgetOrPolicyV1: "DeclaredPodDisruptionBudget",
  JoinJoin: "JoinPart",
  SourceDev: "SourceFolder",
  AuditEntryOutcome: "AuditOutcome",
  ChangeWebhookState: "KnownWebhookState",
  CreateApiKeyAnswer: "NewApiKey",
  CreateWebhookAnswer: "NewWebhook",
  DeleteOrganizationAnswer: "DeletionStatus",
  DeploymentServiceAction: "ServiceAction",
  DeploymentStatusState: "DeploymentState",
  DriftRecordChange: "DriftChange",
  InviteInfoState: "InviteState",
  PollDeviceSignInAnswer: "DeviceProgress",
  RegisterAnswer: "RegistrationMailed",
  RestartServiceAnswer: "Restart",
  ServiceStatusState: "ServiceState",
  SessionGrantRole: "Role",
  WebhookInfoState: "WebhookState"
}

/** Requests have the closed enum. The open one in answers gets the plain name. */
const closed: ReadonlyMap<string, string> = new Map([
  ["Role", "KnownRole"],
  // Its fields are those of a deployment's `metadata`, with the limits of a request.
  ["DeploymentMetadata", "NewDeploymentMetadata"],
  ["DeploymentMessage", "NewDeploymentMessage"]
])

const pascal = (name: string) =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("")

const singular = (name: string) => name.replace(/ies$/, "y").replace(/([^s])s$/, "$1")

const isNull = (schema: unknown) => isJson(schema) && schema["type"] === "null"

const variants = ({ anyOf }: Json): ReadonlyArray<Json> =>
  Array.isArray(anyOf) ? anyOf.filter(isJson).filter((each) => !isNull(each)) : []

const isComposed = (schema: Json) => schema["properties"] !== undefined || referred(schema) !== undefined

/** Is it worth a name? Objects, enums and unions of objects are. */
const isNamed = (schema: Json): boolean =>
  schema["properties"] !== undefined ||
  (Array.isArray(schema["enum"]) && schema["enum"].length > 1) ||
  (Array.isArray(schema["x-extensible-enum"]) && schema["x-extensible-enum"].length > 1) ||
  (variants(schema).length > 1 && variants(schema).some(isComposed))

/** The identity of a schema: equal keys mean equal schemas. */
const contentOf = ({ description: _, title: __, default: ___, ...rest }: Json) => JSON.stringify(rest)

/** Distinguishes a union's member: its literals, or else its first required field. */
const choiceName = ({ properties, required }: Json): string => {
  const words = Object.values(isJson(properties) ? properties : {}).flatMap((each) => {
    const open = isJson(each) ? each["x-extensible-enum"] : undefined
    if (Array.isArray(open) && open.length === 1) return open
    return isJson(each) && Array.isArray(each["enum"]) ? each["enum"] : []
  })
  const [first = "options"] = Array.isArray(required) ? required : []
  return words.length > 0 ? words.map((word) => pascal(String(word))).join("Or") : pascal(String(first))
}

const partName = (context: string, schema: Json, part: Json, key: string, name: string) => {
  if (key === "properties") return `${context}${pascal(name)}`
  if (key === "items" || key === "additionalProperties") return singular(context)
  return variants(schema).length > 1 && part["properties"] !== undefined ? `${context}${choiceName(part)}` : context
}

/**
 * Builds the document's components, each object once and under one name. `identified`: those the contract names. A schema equal
 * to one of these becomes a reference; others are named after their position.
 */
export const makeComponents = (identified: Readonly<Record<string, Json>>) => {
  const byContent = new Map(
    Object.entries(identified).map(([name, schema]) => [contentOf(schema), closed.get(name) ?? name])
  )
  const made = new Map<string, Json>()
  const contents = new Map<string, string>()

  const refer = (schema: Json, place: string): Json => {
    const content = contentOf(schema)
    const name = byContent.get(content) ?? names[place] ?? place
    byContent.set(content, name)
    const known = contents.get(name)
    if (known !== undefined && known !== content)
      throw new Error(`Two schemas of the OpenAPI document have the name ${name}. Name one of them in components.ts.`)
    if (known === undefined) {
      contents.set(name, content)
      made.set(name, parts(schema, name))
    }
    const { description } = schema
    const isSame = made.get(name)?.["description"] === description
    return typeof description === "string" && !isSame ? { allOf: [refTo(name)], description } : refTo(name)
  }

  const within = (schema: Json, place: string): Json => {
    const name = referred(schema)
    if (name !== undefined) {
      const { $ref: _, ...beside } = schema
      const target = refTo(closed.get(name) ?? name)
      return Object.keys(beside).length === 0 ? target : { allOf: [target], ...beside }
    }
    return isNamed(schema) ? refer(schema, place) : parts(schema, place)
  }

  const parts = (schema: Json, context: string): Json =>
    mapParts(schema, (part, key, name) => within(part, partName(context, schema, part, key, name)))

  for (const [name, schema] of Object.entries(identified)) {
    const called = closed.get(name) ?? name
    contents.set(called, contentOf(schema))
    made.set(called, schema)
  }
  for (const [name, schema] of Object.entries(identified)) {
    const called = closed.get(name) ?? name
    made.set(called, parts(schema, called))
  }

  return {
    /** A schema of an operation, with a reference in place of every named schema. */
    named: within,
    /** All components collected so far. */
    all: (): ReadonlyMap<string, Json> => made
  }
}

/** The components that parts of a document refer to, directly or indirectly. */
export const reachable = (parts: unknown, components: ReadonlyMap<string, Json>): ReadonlySet<string> => {
  const found = new Set<string>()
  const follow = (part: unknown) => {
    for (const name of referredIn(part)) {
      if (found.has(name)) continue
      found.add(name)
      follow(components.get(name))
    }
  }
  follow(parts)
  return found
}

/** Answers may contain fields that this version doesn't know. Readers ignore them. */
export const opened = (schema: Json): Json => {
  const { additionalProperties, ...rest } = schema
  return mapParts(additionalProperties === false ? rest : schema, opened)
}
