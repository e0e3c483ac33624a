/** Why spans were not exported. */
export const SPAN_LOSSES = ['queue_full', 'export_failed'] as const;
type SpanLoss = (typeof SPAN_LOSSES)[number];

/**
 * Called when spans are lost.
 *
 * @param error of the failed export
 */
export type LossListener = (reason: SpanLoss, spans: number, error?: Error) => void;
