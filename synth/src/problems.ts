import { type AppSpec, type SecretName, type ServiceSpec, type SpecIssue, secretsOf } from "@maxcloud/config-schema"
import { isClosedRange } from "./egress.ts"
import { hostLabelOf, maxServiceNameLength, namespaceOf } from "./names.ts"
import type { TenantContext } from "./tenant.ts"

/** The secrets that an app names and that have no version, sorted, each once. */
export const missingSecrets = (spec: AppSpec, versions: ReadonlyMap<SecretName, number>): ReadonlyArray<SecretName> =>
  [...new Set(spec.services.flatMap(secretsOf))].filter((_) => !versions.has(_)).sort()

const foreignNamespace =
  /^(default|kube-.*|knative-(serving|eventing|operator)|kourier-system|cert-manager|istio-system)$/

/** What makes the hosts of an app impossible at this organization and stage: a name too long for its label, a namespace that is not ours. */
export const hostProblems = (
  spec: AppSpec,
  tenant: Pick<TenantContext, "organization" | "stage">
): ReadonlyArray<SpecIssue> => {
  const namespace = namespaceOf(tenant)
  const issues: Array<SpecIssue> = []
  if (foreignNamespace.test(namespace)) {
    issues.push({
      path: [],
      message: `the namespace "${namespace}" belongs to the cluster itself: use another name for the organization`
    })
  }
  const most = maxServiceNameLength(tenant)
  spec.services.forEach(({ name }, index) => {
    if (name.length <= most) return
    const place = `at stage "${tenant.stage}" of organization "${tenant.organization}"`
    const host = `its host label "${hostLabelOf(name, tenant)}" may have 63`
    issues.push({
      path: ["services", index, "name"],
      message:
        most < 1
          ? `no service can have a host ${place}: choose a shorter name for the stage`
          : `"${name}" has ${name.length} characters, ${place} a service name may have ${most}: ${host}`
    })
  })
  return issues
}

/** Knative's own ports in a pod: of queue-proxy, and of profiling (knative/serving, pkg/networking). */
const reservedPorts: ReadonlySet<number> = new Set([8008, 8012, 8013, 8022, 9090, 9091])

/** What no Knative takes, though each value by itself is fine: told before anything is sent. */
export const knativeProblems = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap((service, index) =>
    problemsOf(service).map(({ message, path }) => ({ path: ["services", index, ...path], message }))
  )

const problemsOf = (service: ServiceSpec): ReadonlyArray<SpecIssue> => {
  const issues: Array<SpecIssue> = []
  if (service.port !== "auto" && reservedPorts.has(service.port)) {
    issues.push({
      path: ["port"],
      message: `port ${service.port} is taken by the platform in every instance (${[...reservedPorts].join(", ")} are): let the program listen on another, such as 8080`
    })
  }
  if (service.image !== undefined && !isRepository(service.image)) {
    issues.push({
      path: ["image"],
      message: `"${service.image}" is no image that a registry can have: after the registry, write at least two characters of a-z, 0-9, ".", "_", "-" and "/"`
    })
  }
  const paths = Object.keys(service.files)
  for (const path of paths) {
    const clean = cleaned(path)
    const other = paths.find((_) => _ !== path && `${clean}/`.startsWith(`${cleaned(_)}/`))
    if (other !== undefined) {
      issues.push({ path: ["files", path], message: `"${path}" cannot be a file beside the file "${other}"` })
    }
  }
  if (typeof service.egress !== "string") {
    service.egress.forEach((cidr, at) => {
      if (!isClosedRange(cidr)) return
      issues.push({
        path: ["egress", at],
        message: `"${cidr}" is of the machine itself or link-local, which is never opened: remove it`
      })
    })
  }
  const size = JSON.stringify([service.env, service.command, service.args]).length
  if (size > maxDescription) {
    issues.push({
      path: ["env"],
      message: `env, command and args have ${size} characters together, an instance's description may have ${maxDescription}: put large values into the image or a store`
    })
  }
  return issues
}

/** An annotation of secret parts may have 256 KiB, and an object about 1 MiB (Kubernetes, etcd). */
const maxDescription = 200_000

/** The path of a file without repeated slashes. */
const cleaned = (path: string) => path.replace(/\/+/g, "/")

/** As Knative's webhook reads a reference: a first part without `.` or `:` is no registry but part of the repository. */
const isRepository = (image: string): boolean => {
  const name = image.replace(/@.*$/, "").replace(/:[^/:]*$/, "")
  const [first = "", ...rest] = name.split("/")
  const repository = rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? rest.join("/") : name
  return /^[a-z0-9_\-./]{2,255}$/.test(repository)
}
