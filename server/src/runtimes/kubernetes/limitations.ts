import { type AppSpec, defaultGraceMs, type ServiceSpec, type SpecIssue } from "@maxcloud/config-schema"
import { defaultMaxTimeoutSeconds, endOf } from "@maxcloud/synth"
import { secondsUntilKilled } from "./apply/endPods.ts"

/** Warnings about fields that this runtime may not honour, some of them depending on how Knative is installed. */
export const limitations = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap((service, index) =>
    limitationsOf(service).map(([field, message]) => ({ path: ["services", index, field], message }))
  )

const limitationsOf = (service: ServiceSpec): ReadonlyArray<readonly [keyof ServiceSpec, string]> => {
  const { drain, grace, timeout } = service
  const written = drain !== undefined ? "drain" : grace !== defaultGraceMs ? "grace" : undefined
  return [
    ...(timeout > defaultMaxTimeoutSeconds * 1000
      ? [
          [
            "timeout",
            `Knative allows at most ${defaultMaxTimeoutSeconds} s, unless its operator has raised max-revision-timeout-seconds (config-defaults)`
          ] as const
        ]
      : []),
    ...(written === undefined
      ? []
      : [
          [
            written,
            `on Kubernetes, the program gets SIGKILL ${endsIn(service)} s after its service is removed. After an update or a scale-down, it gets SIGKILL after \`timeout\` (${timeout / 1000} s)`
          ] as const
        ])
  ]
}

const endsIn = ({ drain, grace, timeout }: ServiceSpec) =>
  secondsUntilKilled(endOf({ drainMs: drain, graceMs: grace }, timeout), timeout)
