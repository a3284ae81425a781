import {
  type AppSpec,
  isClusterNamespace,
  productionStage,
  quoted,
  type SecretName,
  type ServiceSpec,
  type SpecIssue,
  secretsOf
} from "@maxcloud/config-schema"
import { type EgressRules, refusalOf } from "./egress.ts"
import { referredIn, secretVariables } from "./expand.ts"
import { hostLabelOf, maxLabelLength, maxServiceNameLength, namespaceOf, type Place } from "./names.ts"

/** The secrets that an app uses and that have no version, sorted, without duplicates. */
export const missingSecrets = (spec: AppSpec, versions: ReadonlyMap<SecretName, number>): ReadonlyArray<SecretName> =>
  [...new Set(spec.services.flatMap(secretsOf))].filter((value) => !versions.has(value)).sort()

const characters = (count: number) => `${count} character${count === 1 ? "" : "s"}`

/** The problem with a namespace that belongs to the cluster's own parts, or may later. Only if namespaces have no prefix. */
export const namespaceProblems = (spec: AppSpec, namespace: string): ReadonlyArray<SpecIssue> =>
  // A stage with names that are no longer accepted can still be destroyed.
  spec.services.length > 0 && isClusterNamespace(namespace)
    ? [
        {
          path: ["app"],
          message: `The namespace "${namespace}" belongs to the cluster. Choose another name for the app.`
        }
      ]
    : []

/**
 * Problems with an app's hosts and namespace in this organization and stage: names that are too long in total. A host label and a namespace can
 * have up to 63 characters each.
 */
export const hostProblems = (spec: AppSpec, tenant: Place): ReadonlyArray<SpecIssue> => {
  // Destroying a stage deploys nothing, and must work even with names that are no longer accepted.
  if (spec.services.length === 0) return []
  const namespace = namespaceOf(tenant)
  const where =
    tenant.stage === productionStage
      ? `organization "${tenant.organization}"`
      : `stage "${tenant.stage}" of organization "${tenant.organization}"`
  const most = maxServiceNameLength(tenant)
  // In production, a service with the app's name needs no separate part.
  const tooMuch = Math.max(
    namespace.length - maxLabelLength,
    ...spec.services.map(({ name }) =>
      most < 1 ? hostLabelOf(name, tenant).length - name.length + 1 - maxLabelLength : 0
    )
  )
  if (tooMuch > 0) {
    const longest = tenant.app.length - tooMuch
    const shorter = tenant.stage === productionStage ? "" : ", or a shorter name for the stage"
    return [
      {
        path: ["app"],
        message:
          longest < 1
            ? `No app can be deployed to ${where}: its host and namespace would be longer than ${maxLabelLength} characters. Choose a shorter name for the stage.`
            : `"${tenant.app}" has ${characters(tenant.app.length)}. In ${where} an app name can have up to ${longest}: the namespace "${namespace}" and its hosts can have up to ${maxLabelLength}. Choose a shorter name for the app${shorter}.`
      }
    ]
  }
  return spec.services.flatMap(({ name }, index) => {
    const host = hostLabelOf(name, tenant)
    return host.length <= maxLabelLength
      ? []
      : [
          {
            path: ["services", index, "name"],
            message: `"${name}" has ${characters(name.length)}. In app "${tenant.app}" at ${where} a service name can have up to ${most}: its host label "${host}" can have up to ${maxLabelLength}.`
          }
        ]
  })
}

/** Declared ranges that aren't opened: those of the machine or the cluster, and private ones that the operator doesn't list. */
export const egressProblems = (
  spec: AppSpec,
  rules: EgressRules & { readonly unknownRanges?: string | undefined }
): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap(({ egress }, index) =>
    (typeof egress === "string" ? [] : egress).flatMap((cidr, at) => {
      const refusal = refusalOf(cidr, rules)
      return refusal === undefined ? [] : [{ path: ["services", index, "egress", at], message: `"${cidr}" ${refusal}` }]
    })
  )

/** Knative's own ports in a pod: of queue-proxy, and of profiling (knative/serving, pkg/networking). */
const reservedPorts: ReadonlySet<number> = new Set([8008, 8012, 8013, 8022, 9090, 9091])

/** Combinations that every Knative rejects, although each value by itself is valid. Reported before anything is sent. */
export const knativeProblems = (spec: AppSpec): ReadonlyArray<SpecIssue> => {
  const names = new Set<string>(spec.services.map((service) => service.name))
  return spec.services.flatMap((service, index) =>
    [...nameProblems(service.name, names), ...problemsOf(service)].map(({ message, path }) => ({
      path: ["services", index, ...path],
      message
    }))
  )
}

/** Knative's names for the Services of a revision (knative/serving, pkg/reconciler/revision/resources/names). */
const revisionName = /^(.+)-(\d{5,})(-private)?$/

/** A service with the name of another current or future object of the namespace: then Knative makes neither of the two work. */
const nameProblems = (name: string, names: ReadonlySet<string>): ReadonlyArray<SpecIssue> => {
  if (name === "default") {
    return [
      { path: ["name"], message: '"default" is the ServiceAccount that every namespace has. Choose another name.' }
    ]
  }
  const [, service = "", number = ""] = revisionName.exec(name) ?? []
  return number.startsWith("0") || names.has(service)
    ? [
        {
          path: ["name"],
          message: `"${name}" is the name of a Knative revision of a service "${service}". Choose a name that doesn't end with such a number.`
        }
      ]
    : []
}

const problemsOf = (service: ServiceSpec): ReadonlyArray<SpecIssue> => {
  const issues: Array<SpecIssue> = []
  if (service.port !== "auto" && reservedPorts.has(service.port)) {
    issues.push({
      path: ["port"],
      message: `The platform uses port ${service.port} in every instance (reserved: ${[...reservedPorts].join(", ")}). Make the program listen on another port, such as 8080.`
    })
  }
  if (service.image !== undefined && !isRepository(service.image)) {
    issues.push({
      path: ["image"],
      message: `${quoted(service.image)} isn't a valid image for a registry. After the registry, use at least two characters of a-z, 0-9, ".", "_", "-" and "/".`
    })
  }
  for (const [path, other] of filesInFiles(Object.keys(service.files))) {
    issues.push({
      path: ["files", path],
      message: `${quoted(path)} can't be a file, because ${quoted(other)} is a file too. Move one of them.`
    })
  }
  const secrets = secretVariables(service)
  for (const field of ["command", "args"] as const) {
    service[field]?.forEach((word, at) => {
      for (const name of referredIn(word, secrets))
        issues.push({
          path: [field, at],
          message: `"$(${name})" would put a secret into an argument. Make the program read the variable ${name}, or write "$$(${name})" for the text itself.`
        })
    })
  }
  const size = JSON.stringify([service.env, service.command, service.args]).length
  if (size > maxDescription) {
    issues.push({
      path: ["env"],
      message: `env, command and args have ${size} characters in total. They can have up to ${maxDescription}: move large values into the image or a file.`
    })
  }
  return issues
}

/** An annotation with secret parts can have 256 KiB, and an object about 1 MiB (Kubernetes, etcd). */
const maxDescription = 200_000

/**
 * The paths that are inside or equal to the path of another file, each with that other path. In sorted order, a path comes after those that contain
 * it, and everything between them is contained too. So comparing each path with the last container is enough.
 */
const filesInFiles = (paths: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> => {
  const sorted = paths
    .map((path) => ({ path, folder: `${cleaned(path)}/` }))
    .sort((a, b) => (a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : 0))
  const found: Array<readonly [string, string]> = []
  let holder: (typeof sorted)[number] | undefined
  for (const file of sorted) {
    if (holder !== undefined && file.folder.startsWith(holder.folder)) found.push([file.path, holder.path])
    else holder = file
  }
  return found
}

/** The path of a file without repeated slashes. */
const cleaned = (path: string) => path.replace(/\/+/g, "/")

/** Parses a reference like Knative's webhook: a first part without `.` or `:` belongs to the repository. */
const isRepository = (image: string): boolean => {
  const [tagged = ""] = image.split("@", 1)
  const name = tagged.replace(/:[^/:]*$/, "")
  const [first = "", ...rest] = name.split("/")
  const repository = rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? rest.join("/") : name
  return /^[a-z0-9_\-./]{2,255}$/.test(repository)
}
