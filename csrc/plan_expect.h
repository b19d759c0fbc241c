/* plan_expect.h - a call of a plan that ends the replay unless a number is what it was when the plan was recorded.
 *
 * Python went on as it did because of that number. In no file: udl_extent_of has no rule for it. */
#ifndef UDL_PLAN_EXPECT_H
#define UDL_PLAN_EXPECT_H
#include "udlfast.h"

enum { UDL_PLAN_EXPECT = UDL_PLAN_NCALLS, UDL_EOTHER = UDL_EISA + 1 }; /* the call, and its status where the number is another */
/* what is asked: the bits, or whether they are not all 0 (of a float: but for its sign) */
enum { UDL_NUMBER_BITS, UDL_NUMBER_TRUTH, UDL_NUMBER_TRUTH_FLOAT };
typedef struct { void *none; const void *from; int64_t bytes_asked, value; } udl_plan_number; /* bytes + 256 * what is asked */
#endif
