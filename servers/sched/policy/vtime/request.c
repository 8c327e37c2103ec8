/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in virtual time: what takes divisions.  Symbols and units: request.h. */
#include "request.h"

void vtime_request_params(struct vtime_request *request, uint32_t weight, uint32_t slice_ns)
{
	request->weight = weight;
	request->slice_ns = slice_ns;
	request->request_v = 0;
	request->request_rem = 0;
	fraction_add_32(&request->request_v, &request->request_rem, weight, vtime_units(slice_ns));
}

void vtime_request_resume(struct vtime_request *request, int128_t left, int128_t used)
{
	request->ve = request->vd = request->v;
	request->ve_rem = request->vd_rem = request->v_rem;
	fraction_add_32(&request->vd, &request->vd_rem, request->weight, left);
	if (used != 0)
		fraction_add_32(&request->ve, &request->ve_rem, request->weight, -used);
	request->key_vd = vtime_grid(request->vd);
	request->key_ve = vtime_grid(request->ve);
	request->left_ns = vtime_ns_ceil(left, 0);
}
