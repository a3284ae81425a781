import { amountIn, byteUnits } from "@maxcloud/config-schema"
import { Option } from "effect"

/** A Kubernetes quantity (`500m`, `512Mi`) in its base unit: cores, or bytes (Kubernetes API conventions, "Quantity"). */
export const quantityOf = (written: string | number): Option.Option<number> =>
  Option.fromNullable(amountIn({ ...byteUnits, m: 1e-3 }, String(written)))
