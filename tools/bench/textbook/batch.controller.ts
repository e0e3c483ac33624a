import { Body, Controller, HttpCode, Inject, Param, ParseUUIDPipe, Post, Query } from '@nestjs/common';
import { BatchDto } from './batch.dto';
import { BatchService, type Result } from './batch.service';

interface BatchResponse {
  results: Result[];
  summary: { total: number; succeeded: number; failed: number };
}

@Controller('v2/prism/:team/:object/batch')
export class BatchController {
  constructor(@Inject(BatchService) private readonly batches: BatchService) {}

  @Post('update')
  @HttpCode(200)
  async update(
    @Param('team', ParseUUIDPipe) team: string,
    @Param('object') object: string,
    @Query('mode') mode: string,
    @Body() { items }: BatchDto,
  ): Promise<BatchResponse> {
    const results = await (mode === 'all'
      ? this.batches.updateConcurrently(team, object, items)
      : this.batches.updateSequentially(team, object, items));
    const succeeded = results.filter(({ status }) => status === 'ok').length;
    return { results, summary: { total: results.length, succeeded, failed: results.length - succeeded } };
  }
}
