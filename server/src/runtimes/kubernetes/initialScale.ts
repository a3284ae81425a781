import { Effect, Option } from "effect"
import { configMapData } from "../kubeApi/configMapData.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"
import { knativeNamespace } from "../kubeApi/systemNames.ts"
import type { InitialScale } from "../port/Runtime.ts"
import type { Requests } from "./apply/binding.ts"
import { runtimeErrorOf } from "./apply/refusal.ts"

const name = "config-autoscaler"
const key = "initial-scale"
const path = pathOf(kinds.configMap, knativeNamespace, name)
const named = { kind: kinds.configMap.kind, namespace: knativeNamespace, name }

/** Knative's `initial-scale` for all services (knative/serving, config/core/configmaps/autoscaler.yaml). */
export const makeInitialScale = (api: Requests): InitialScale => ({
  get: api.request({ method: "GET", path }).pipe(
    Effect.catchAll(runtimeErrorOf(api, named)),
    Effect.map((answer) => Option.getOrUndefined(configMapData(answer))?.[key] ?? null)
  ),
  set: (value) =>
    api
      .request({
        method: "PATCH",
        path,
        query: { fieldManager: "maxcloud" },
        body: { data: { [key]: value } },
        contentType: "application/merge-patch+json"
      })
      .pipe(Effect.asVoid, Effect.catchAll(runtimeErrorOf(api, named)))
})
