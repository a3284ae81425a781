import type { Plan } from "@maxcloud/sdk/api"

/** Would a deploy of the plan change something? A patch alone isn't a change: if it is new, its service is updated. */
export const isChanging = ({ changes, objects }: Plan): boolean =>
  changes.some((change) => change.action !== "unchanged") || objects.some((object) => object.action !== "patch")
