import type { AppSpec, ServiceSpec, SpecIssue } from "@maxcloud/config-schema"

const defaultCpuMilli = 1000
const defaultPort = 8080
const defaultMemoryBytes = 512 * 2 ** 20

/** Settings that the local runtime accepts but ignores, by path. Defaults that nobody wrote cause no warning. */
export const limitations = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap((service, index) =>
    limitationsOf(service).map(([field, message]) => ({ path: ["services", index, field], message }))
  )

const limitationsOf = (service: ServiceSpec): ReadonlyArray<readonly [keyof ServiceSpec, string]> => {
  const source = service.source !== undefined
  return [
    ...(service.egress === "internet"
      ? []
      : [["egress", "isn't enforced locally: the service can connect to anything that this machine can"] as const]),
    ...(source && service.port !== defaultPort && service.port !== "auto"
      ? [
          [
            "port",
            "has no effect locally for a source without a Dockerfile: each instance gets its own port in the variable `PORT`, so the program must read it"
          ] as const
        ]
      : []),
    ...(source && service.cpu !== defaultCpuMilli
      ? [
          [
            "cpu",
            "isn't enforced locally for a source without a Dockerfile: it runs as a process of this machine"
          ] as const
        ]
      : []),
    ...(source && service.memory !== defaultMemoryBytes
      ? [
          [
            "memory",
            "isn't enforced locally for a source without a Dockerfile: it runs as a process of this machine"
          ] as const
        ]
      : []),
    ...(source && Object.keys(service.files).length > 0
      ? [
          [
            "files",
            "aren't mounted locally for a source without a Dockerfile: read the secret from `env`, or use an image"
          ] as const
        ]
      : [])
  ]
}
