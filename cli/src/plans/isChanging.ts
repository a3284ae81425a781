import type { Plan } from "@maxcloud/sdk/api"

/** Whether a deploy of the plan would change something. A patch alone isn't a change: a new patch also shows as an updated service. */
export const isChanging = ({ changes, objects }: Plan): boolean =>
  changes.some((change) => change.action !== "unchanged") || objects.some((object) => object.action !== "patch")
