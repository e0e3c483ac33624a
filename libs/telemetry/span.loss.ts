/** Why spans were not exported. */
export const SPAN_LOSSES = ['queue_full', 'export_failed'] as const;
type SpanLoss = (typeof SPAN_LOSSES)[number];

/**
 * Called when spans are lost.
 *
 * @param count of the lost spans
 * @param error of the failed export
 */
export type LossListener = (reason: SpanLoss, count: number, error?: Error) => void;
