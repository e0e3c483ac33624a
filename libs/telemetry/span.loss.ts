/** Why spans were lost: they did not reach the collector. */
export const SPAN_LOSS_REASONS = ['queue_full', 'export_failed'] as const;
type SpanLossReason = (typeof SPAN_LOSS_REASONS)[number];

/**
 * Called when spans are lost.
 *
 * @param count of the lost spans
 * @param error of the failed export
 */
export type LossListener = (reason: SpanLossReason, count: number, error?: Error) => void;
